"""Anomaly: labelled series told apart, sets of the UCR and UEA archives, all by one configuration."""

from elman.recipes.base import Recipe

NEAREST = [{"name": "nearest neighbour, Euclidean distance", "answer": "nearest"}]

RECIPE = Recipe(
    name="anomaly",
    about="series to their classes: gestures, outlines, power, motions, voices, by one configuration",
    data="gun_point",
    split="test, as published",
    size="36 to 270 series to learn from",
    minutes=2,
    input={"series": {"kind": "series", "patch": 16, "hop": 4, "noise": 0.3}},
    target={"class": {"kind": "category"}},
    model={"cell": "gru", "hidden": 64, "bidirectional": True, "pooling": "max", "dropout": 0.3},
    train={"epochs": 80, "batch": 16, "lr": 3e-3, "patience": 0},
    metric="accuracy",
    baselines=NEAREST,
    settings={
        "gun-point": {},
        "arrow-head": {"dataset": "arrow_head"},
        "osu-leaf": {"dataset": "osu_leaf"},
        "italy-power-demand": {"dataset": "italy_power_demand"},
        "basic-motions": {"dataset": "basic_motions"},
        "japanese-vowels": {"dataset": "japanese_vowels"},
    },
)
