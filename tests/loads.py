"""Loads by the hour, shops, a plan, and networks that forecast them; for several test files."""

import numpy as np

import elman
from elman.config.configuration import check_document
from elman.data import from_memory
from elman.data.layouts import Tables
from elman.training.prepare import prepare

HOURS = np.arange(240)
LOAD = 10 + np.sin(HOURS * 2 * np.pi / 12) + np.random.default_rng(0).normal(0, 0.1, 240)
TABLE = {"hour": HOURS.tolist(), "load": LOAD.tolist()}
SHOPS = {
    "shop": ["a"] * 120 + ["b"] * 120,
    "day": [*range(120), *range(120)],
    "sales": [*(LOAD[:120]), *(LOAD[:120] + 500)],
}


def document(**sections):
    base = {
        "data": {"horizon": 4, "window": 12, "time": "hour"},
        "input": {"load": {}},
        "target": {"load": {}},
        "model": {"hidden": 4, "cell": "gru"},
        "train": {"epochs": 2},
    }
    return {name: {**base.get(name, {}), **sections.get(name, {})} for name in base}


def parts_of(table, tables=None, **sections):
    notes = []
    config = check_document(document(**sections))
    prepared = prepare(config, tables or Tables(from_memory(table)), notes.append)
    return prepared.fields, prepared.splits, notes


def trained(table, **sections):
    given = document(**sections)
    return elman.train(table, **given, quiet=True)


def values(forecasts):
    return [one.forecast for one in forecasts]


def shops(**sections):
    data = {"horizon": 4, "window": 12, "time": "day", "id": "shop"}
    fields = {"input": {"sales": {}}, "target": {"sales": {}}, "train": {"epochs": 3}}
    return elman.train(SHOPS, **{**document(), **fields, "data": data, **sections}, quiet=True)


def planned():
    random = np.random.default_rng(3)
    plan = random.normal(size=400)
    return {"t": list(range(400)), "sales": (plan * 2 + random.normal(0, 0.1, 400)).tolist(), "plan": plan.tolist()}


def plan_model(**given):
    sides = {"input": {"sales": {}}, "target": {"sales": {"head": "mse"}}, "model": {"hidden": 4}}
    data = {"horizon": 3, "window": 6, "time": "t", **given}
    return elman.train(planned(), **sides, data=data, train={"epochs": 12, "lr": 0.02}, quiet=True)
