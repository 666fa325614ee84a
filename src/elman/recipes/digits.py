"""Digits: recognition of spoken digits, one at a time or several in a row (FSDD)."""

from elman.recipes.base import Recipe
from elman.recipes.datasets import FSDD_WITHOUT

CLIP = {"kind": "audio", "rate": 8000, "window": 32.0, "stack": 2, "time_mask": 10, "frequency_mask": 8}
SPEAKERS = [name.removeprefix("fsdd_without_") for name in FSDD_WITHOUT]
BODY = {"cell": "gru", "hidden": 128, "layers": 1, "bidirectional": True, "dropout": 0.4}
ONE_AT_A_TIME = {
    "input": {"clip": CLIP},
    "target": {"digit": {"kind": "category"}},
    "model": {**BODY, "pooling": "max"},
    "train": {"epochs": 30, "patience": 0},
}

RECIPE = Recipe(
    name="digits",
    about="spoken digits to words, one at a time or several in a row",
    data="fsdd",
    split="test",
    size="3,000 clips of six speakers",
    minutes=5,
    metric="accuracy",
    baselines=[{"name": "one-to-one: mean of the frames", "model": {"topology": "one-to-one"}}],
    goals={"official": {"accuracy": 0.98}, "joined": {"wer": 0.05}},
    settings={
        "official": ONE_AT_A_TIME,
        "new-speaker": {
            "dataset": list(FSDD_WITHOUT),
            "split": f"all clips of one speaker, who is in no other split; by seed from 0: {', '.join(SPEAKERS)}",
            "seeds": len(SPEAKERS),
            **ONE_AT_A_TIME,
            "input": {"clip": {**CLIP, "normalize": "clip"}},
        },
        "joined": {
            "dataset": "fsdd_joined",
            "input": {"clip": CLIP},
            "target": {"words": {"kind": "transcript"}},
            "model": BODY,
            "train": {"epochs": 20, "patience": 0},
            "metric": "wer",
            "baselines": [{"name": "one-to-one: each step alone", "model": {"topology": "one-to-one"}}],
        },
    },
)
