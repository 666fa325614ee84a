"""Readings of a series beside what was expected of each before it came: how far off, step by step or all at once."""

from typing import NamedTuple

import numpy as np
import torch

from elman.fields import Series
from elman.network import Network
from elman.topologies import Encoded, NextStep
from elman.types import State

TOGETHER = 4096  # steps
BAND = 0.9  # share of the readings that are expected between `low` and `high`


class Watched(NamedTuple):
    """What was expected of each reading, in its own unit, and how far off it was; all (T, C)."""

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    scores: np.ndarray  # |deviations| of `Distribution.deviations`; NaN where there is no reading


class Watch(NamedTuple):
    """What a series that was read so far hands on to its next reading."""

    last: np.ndarray  # (C,) the last reading; where missing values are filled by the one before, that one
    state: State | None  # (1, N, H)


def watches(network: Network) -> bool:
    """Whether a network tells the next step of a series, so that it can watch one."""
    return isinstance(network.topology, NextStep) and isinstance(network.written, Series)


@torch.inference_mode()
def watch(network: Network, readings: np.ndarray, before: Watch | None = None) -> tuple[Watched, Watch]:
    """What a next-step network expected of each reading of a series, and what it hands on.

    Whole, in pieces and step by step give the same: each piece goes on with what the one before handed on.

    Args:
        network: one that tells the next step of a series; in evaluation mode after this.
        readings: (T, C) as `Series.parse` gives them, NaN where one is missing.
        before: what was handed on; None: the series begins.
    """
    network.eval()
    parts = []
    for begin in range(0, max(1, len(readings)), TOGETHER):
        part, before = _watch(network, readings[begin : begin + TOGETHER], before)
        parts.append(part)
    assert before is not None
    return Watched(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True))), before


def _watch(network: Network, readings: np.ndarray, before: Watch | None) -> tuple[Watched, Watch]:
    field, topology = network.written, network.topology
    assert isinstance(field, Series)
    assert isinstance(topology, NextStep)
    known = readings if before is None else np.concatenate([before.last[None], readings])
    filled = torch.from_numpy(field.encode(known)).to(network.device)
    fed = torch.cat([torch.zeros_like(filled[:1]), filled])[: len(filled)] if before is None else filled[:-1]
    features = topology.teacher_forced(Encoded(), network.feed(fed[None]), None, before.state if before else None)
    assert features.steps is not None
    output, frames = network.heads[0](features.steps[0]), filled[len(filled) - len(readings) :]
    told = field.distribution
    values = told.mean(output), told.quantile(output, (1 - BAND) / 2), told.quantile(output, (1 + BAND) / 2)
    expected, low, high = (field.unscaled(value.cpu().numpy()) for value in values)
    scores = told.deviations(output, frames).abs().double().cpu().numpy()
    scores = np.where(np.isnan(readings), np.nan, scores)
    watched = Watched(expected, low, high, scores)
    last = known[-1] if field.missing == "mean" and len(known) else _last(known)
    return watched, Watch(last, features.state)


def _last(known: np.ndarray) -> np.ndarray:
    """The last value of each channel that is not missing, NaN where all are."""
    steps = np.where(np.isnan(known), -1, np.arange(len(known))[:, None]).max(0)
    return np.where(steps >= 0, known[steps, np.arange(known.shape[1])], np.nan)
