"""Calibration: each quantile is predicted at the probability at which it holds on the validation split."""

import numpy as np
import torch

from elman.data import Examples
from elman.fields import Forecast
from elman.fields.forecast import GRID
from elman.layers.arrays import as_array
from elman.network import Network

BATCH = 256  # windows


@torch.inference_mode()
def calibrate(network: Network, valid: Examples) -> None:
    """Calibrate the quantiles of the forecasts that ask for it.

    Recalibrated regression (Kuleshov, Fenner & Ermon 2018, arXiv 1807.00263): where a fraction f(p) of the true values
    lies below the quantile that the network predicts for p, the quantile for p is the one that it predicts for f^-1(p).
    All steps of the horizon share one f, which is estimated on a grid and interpolated linearly between its points.

    Args:
        network: trained; in evaluation mode after this.
        valid: windows that the network was not trained on.
    """
    network.eval()
    wanted = {name: field for name, field in network.fields.targets.items() if isinstance(field, Forecast)}
    wanted = {name: field for name, field in wanted.items() if field.calibrate}
    if not wanted:
        return
    below = {name: np.zeros(len(GRID), np.int64) for name in wanted}
    counts = dict.fromkeys(wanted, 0)
    for batch in valid.scored(BATCH):
        assert batch.targets is not None
        features = network(batch)
        for name, head in network.predicted():
            if name in wanted:
                output = as_array(head(features.single_for(name)))
                number, count = wanted[name].count_below(output, batch.targets[name].values)
                below[name] += number
                counts[name] += count
    for name, field in wanted.items():
        field.take_calibration(below[name], counts[name])
