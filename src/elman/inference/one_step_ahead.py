"""One-step-ahead predictions of a series and how far off each reading is; whole, in pieces, or reading by reading."""

from typing import NamedTuple

import numpy as np
import torch

from elman.fields import Series
from elman.layers.arrays import as_array
from elman.network import Network
from elman.topologies import Encoded, NextStep
from elman.types import State

TOGETHER = 4096  # steps
BAND = 0.9  # probability between `low` and `high`


class OneStepAhead(NamedTuple):
    """The prediction of each reading, in its own unit, and how far off the reading is; all (T, C)."""

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scores: np.ndarray  # absolute residuals, see `Distribution.residuals`; NaN where there is no reading


class SeriesState(NamedTuple):
    """The state of a series after the readings so far."""

    last: np.ndarray  # (C,) the last reading; where missing values are filled by the one before, that one
    state: State | None  # (1, N, H)


def predicts_next_reading(network: Network) -> bool:
    """Whether a network predicts the next step of a series."""
    return isinstance(network.topology, NextStep) and isinstance(network.generated, Series)


@torch.inference_mode()
def predict_readings(
    network: Network, readings: np.ndarray, before: SeriesState | None = None
) -> tuple[OneStepAhead, SeriesState]:
    """What a next-step network predicts of each reading of a series before it is read, and the state after the last.

    Whole, in pieces and step by step give the same: each piece continues from the state after the one before.

    Args:
        network: one that predicts the next step of a series; in evaluation mode after this.
        readings: (T, C) as `Series.parse` gives them, NaN where one is missing.
        before: the state after the readings before; None: the series begins.
    """
    network.eval()
    parts = []
    for begin in range(0, max(1, len(readings)), TOGETHER):
        part, before = _predict(network, readings[begin : begin + TOGETHER], before)
        parts.append(part)
    assert before is not None
    return OneStepAhead(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True))), before


def _predict(network: Network, readings: np.ndarray, before: SeriesState | None) -> tuple[OneStepAhead, SeriesState]:
    field, topology = network.generated, network.topology
    assert isinstance(field, Series)
    assert isinstance(topology, NextStep)
    known = readings if before is None else np.concatenate([before.last[None], readings])
    encoded = field.encode(known)
    filled = torch.from_numpy(encoded).to(network.device)
    fed = torch.cat([torch.zeros_like(filled[:1]), filled])[: len(filled)] if before is None else filled[:-1]
    features = topology.teacher_forced(Encoded(), network.feed(fed[None]), None, before.state if before else None)
    assert features.steps is not None
    output, frames = as_array(network.heads[0](features.steps[0])), encoded[len(encoded) - len(readings) :]
    predicted, tail = field.distribution, (1 - BAND) / 2
    values = predicted.mean(output), predicted.quantile(output, tail), predicted.quantile(output, 1 - tail)
    expected, low, high = (field.unscaled(value) for value in values)
    scores = np.where(np.isnan(readings), np.nan, np.abs(predicted.residuals(output, frames)))
    last = known[-1] if field.missing == "mean" and len(known) else _last(known)
    return OneStepAhead(expected, low, high, scores), SeriesState(last, features.state)


def _last(known: np.ndarray) -> np.ndarray:
    """The last value of each channel that is not missing, NaN where all are."""
    steps = np.where(np.isnan(known), -1, np.arange(len(known))[:, None]).max(0)
    return np.where(steps >= 0, known[steps, np.arange(known.shape[1])], np.nan)
