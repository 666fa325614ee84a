"""Calibration: after training, quantiles are asked for at the levels at which they hold on the validation split."""

import numpy as np
import torch

from elman.data import Examples
from elman.fields import Forecast
from elman.network import Network

TOGETHER = 256  # windows a batch


@torch.inference_mode()
def calibrate(network: Network, valid: Examples) -> None:
    """Let the forecasts that want it learn how often their quantiles were right.

    Recalibrated regression (Kuleshov, Fenner & Ermon 2018, arXiv 1807.00263): where a share f(p) of the true values
    lies below the quantile that the network tells for p, the quantile for p is the one that it tells for f^-1(p). All
    steps ahead share one f, which is looked up on a grid and lies on a line between its points.

    Args:
        network: trained; in evaluation mode after this.
        valid: windows that the training did not learn from.
    """
    network.eval()
    wanted = {name: field for name, field in network.fields.targets.items() if isinstance(field, Forecast)}
    wanted = {name: field for name, field in wanted.items() if field.calibrate}
    if not wanted:
        return
    below = {name: np.zeros(len(field.grid), np.int64) for name, field in wanted.items()}
    counted = dict.fromkeys(wanted, 0)
    for whole in valid.scored(TOGETHER):
        batch = whole.to(network.device)
        assert batch.targets is not None
        features = network(batch)
        for (name, field), head in zip(network.fields.targets.items(), network.heads, strict=True):
            if name in wanted and isinstance(field, Forecast):
                found, count = field.below(head(features.single_for(name)), batch.targets[name].values)
                below[name] += found
                counted[name] += count
    for name, field in wanted.items():
        field.held = below[name] / max(1, counted[name])
