"""Two machines whose readings go up and down, and a network that predicts the next ones; for several test files."""

from functools import cache

import numpy as np

import elman


def waves(steps: int = 900, seed: int = 0, machines: tuple[str, ...] = ("m1", "m2")) -> dict:
    """Two machines, two channels: a wave of 12 steps, and another that follows it, with a little noise."""
    random, columns = np.random.default_rng(seed), {"machine": [], "hour": [], "load": [], "heat": []}
    for at, machine in enumerate(machines):
        turn = 2 * np.pi * (np.arange(steps) + 3 * at) / 12
        columns["machine"] += [machine] * steps
        columns["hour"] += list(range(steps))
        columns["load"] += (100 + 10 * np.sin(turn) + random.normal(0, 0.5, steps)).tolist()
        columns["heat"] += (20 + np.cos(turn) + random.normal(0, 0.05, steps)).tolist()
    return columns


def shuffled(table: dict, seed: int = 1) -> dict:
    order = np.random.default_rng(seed).permutation(len(table["hour"]))
    return {name: [column[row] for row in order] for name, column in table.items()}


DOCUMENT = {
    "data": {"id": "machine", "time": "hour"},
    "input": {"load": {}, "heat": {}},
    "model": {"cell": "gru", "hidden": 24, "dropout": 0.0},
    "train": {"epochs": 12, "lr": 0.01, "batch": 4},
}


@cache
def trained() -> elman.Model:
    """A network that predicts the next readings of `waves`."""
    return elman.train(
        shuffled(waves()),
        input=["load", "heat"],
        id="machine",
        time="hour",
        model=DOCUMENT["model"],
        train=DOCUMENT["train"],
        quiet=True,
    )
