"""Forecast: a transformer's oil temperature, 24 hours ahead from its own past alone (ETTh1)."""

from elman.recipes.base import Published, Recipe

RECIPE = Recipe(
    name="forecast",
    about="oil temperature of a transformer, 24 hours ahead, with prediction intervals",
    data="etth1",
    split="test, 2,880 hours: all 2,857 windows, all 24 steps; z-scored by the training split",
    size="14,400 hours",
    minutes=6,
    data_options={"time": "date", "horizon": 24, "window": 168, "every": 2},
    input={"OT": {}},
    # The test split varies less than the rest: intervals of a constant width would cover 95 % instead of 80 %.
    target={
        "OT": {
            "kind": "forecast",
            "head": "quantiles",
            "normalize": "seasonal-difference",
            "season": 24,
            "calibrate": True,
        }
    },
    model={"cell": "gru", "hidden": 48, "dropout": 0.1},
    train={"epochs": 12, "batch": 32, "lr": 4e-3, "average": "ema", "average_decay": 0.99, "patience": 5},
    metric="mse",
    baselines=[
        {
            "name": "a linear map of the last 336 values minus the last one",
            "data": {"window": 336, "every": 1},
            "input": {"past": {"kind": "lags", "columns": ["OT"]}},
            "target": {"OT": {"kind": "forecast", "head": "mse", "normalize": "last", "season": 24}},
            "model": {"topology": "one-to-one"},
            "train": {"epochs": 3, "batch": 64, "lr": 1e-3, "average": "none", "average_decay": None},
        },
        {"name": "the last value", "naive": "last"},
        {"name": "the value 24 hours before", "naive": "seasonal"},
    ],
    goals={"": {"mse": 0.0265, "coverage": (0.77, 0.83)}},  # of the interval from quantile 0.1 to 0.9
    published=[
        Published("LSTMa, Zhou et al. 2021: worse than the last value", mse=0.114),
        Published("DeepAR, Zhou et al. 2021: worse than the last value", mse=0.107),
    ],
)
