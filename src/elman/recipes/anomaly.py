"""Anomaly: classification of labelled series, data sets of the UCR and UEA archives, all by one configuration."""

from elman.recipes.base import Recipe

NEAREST = [{"name": "nearest neighbour, Euclidean distance", "answer": "nearest"}]

RECIPE = Recipe(
    name="anomaly",
    about="classification of series: gestures, outlines, power, motions, voices, by one configuration",
    data="gun_point",
    split="test, as published",
    size="36 to 270 training series",
    minutes=2,
    input={"series": {"kind": "series", "patch": 32, "hop": 8, "noise": 0.2}},
    target={"class": {"kind": "category"}},
    model={"cell": "gru", "hidden": 128, "bidirectional": True, "pooling": "max", "dropout": 0.5},
    train={"epochs": 200, "batch": 16, "lr": 3e-3, "patience": 0, "average": "ema", "average_decay": 0.98},
    metric="accuracy",
    baselines=NEAREST,
    goals={  # the minimum of each; the goal for their mean is 0.85
        "gun-point": {"accuracy": 0.93},
        "arrow-head": {"accuracy": 0.70},
        "osu-leaf": {"accuracy": 0.62},
        "italy-power-demand": {"accuracy": 0.93},
        "basic-motions": {"accuracy": 0.97},
        "japanese-vowels": {"accuracy": 0.95},
        "pickup-gesture": {"accuracy": 0.70},
        "acsf1": {"accuracy": 0.65},
    },
    settings={
        "gun-point": {},
        "arrow-head": {"dataset": "arrow_head"},
        "osu-leaf": {"dataset": "osu_leaf"},
        "italy-power-demand": {"dataset": "italy_power_demand"},
        "basic-motions": {"dataset": "basic_motions"},
        "japanese-vowels": {"dataset": "japanese_vowels"},
        "pickup-gesture": {"dataset": "pickup_gesture"},
        "acsf1": {"dataset": "acsf1"},
    },
)
