"""Speak: the phonemes of a digit to sound, in the voice of a given speaker (FSDD, CMUdict)."""

from elman.recipes.base import Recipe
from elman.recipes.digits import RECIPE as DIGITS

RECIPE = Recipe(
    name="speak",
    about="the phonemes of a digit to sound, in the voice of a given speaker",
    data="fsdd_phonemes",
    split="ten digits in six voices, recognized by the network of `digits`",
    size="3,000 clips of six speakers",
    minutes=5,
    input={
        "phonemes": {"kind": "text", "split": "space", "lowercase": False, "embedding": 64, "dropout": 0.0},
        "speaker": {"kind": "category", "embedding": 32},
    },
    target={"clip": {"kind": "audio", "rate": 8000, "window": 32.0, "hop": 8.0, "stack": 3}},
    model={"cell": "lstm", "hidden": 128, "attention": "dot", "dropout": 0.1},
    train={"epochs": 25, "lr": 3e-3, "patience": 0},
    metric="agreement",
    baselines=[
        {
            "name": "the same network without attention",
            "model": {"cell": "lstm", "hidden": 128, "attention": "none", "dropout": 0.1},
        }
    ],
    goals={"": {"agreement": 0.90}},
    show=[
        {"digit": "three", "speaker": "george"},
        {"digit": "nine", "speaker": "theo"},
        {"digit": "seven", "speaker": "jackson"},
    ],
    settings={"": {"round_trip": {"recipe": DIGITS, "setting": "official", "each": 1}}},
)
