"""Speak: spelled digits to sound, in the voice that is named (FSDD)."""

from elman.recipes.base import Recipe

RECIPE = Recipe(
    name="speak",
    about="spelled digits to sound, in the voice that is named",
    data="fsdd",
    split="ten digits in six voices, told by the network of `digits`",
    size="3,000 clips of six speakers",
    minutes=5,
    input={
        "digit": {"kind": "text", "level": "character", "embedding": 64, "dropout": 0.0},
        "speaker": {"kind": "category", "embedding": 32},
    },
    target={"clip": {"kind": "audio", "rate": 8000, "window": 32.0, "hop": 8.0, "stack": 3}},
    model={"cell": "lstm", "hidden": 128, "attention": "dot", "dropout": 0.1},
    train={"epochs": 25, "lr": 3e-3, "patience": 0},
    metric="agreement",
    baselines=[
        {
            "name": "64 units without attention, a quarter of the epochs",
            "model": {"cell": "gru", "hidden": 64, "attention": "none"},
            "train": {"epochs": 6},
        }
    ],
    goals={"": {"agreement": 0.90}},
    show=[
        {"digit": "three", "speaker": "george"},
        {"digit": "nine", "speaker": "theo"},
        {"digit": "seven", "speaker": "jackson"},
    ],
    settings={"": {"round_trip": {"recipe": "digits", "setting": "official", "each": 1}}},
    seeds=1,
)
