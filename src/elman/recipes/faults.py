"""Faults: a network that predicts the next reading detects sensor faults without labelled examples (ETTh1)."""

from elman.recipes.base import Recipe

CHANNELS = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]

RECIPE = Recipe(
    name="faults",
    about="spikes, shifts, drifts, frozen values and noise in a transformer's readings, detected without labels",
    data="etth1",
    split="test, 120 days of 24 hours, a fault in one day of four, for each kind of fault",
    size="14,400 hours of 7 channels",
    minutes=5,
    data_options={"time": "date"},
    input={name: {} for name in CHANNELS},
    model={"cell": "gru", "hidden": 64, "dropout": 0.1},
    train={"epochs": 60, "batch": 16, "lr": 3e-3},
    metric="auc",
    beats={"auc": 1.0},
    baselines=[{"name": "rolling z-score of the 24 hours before", "rolling": 24}],
    faults=True,
)
