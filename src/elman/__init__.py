"""Elman: train a recurrent network on your own sequences, and run it one step at a time.

Names are looked up when they are first used, so that `elman --help` need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman.cells import (
        ElmanCell,
        GRUCell,
        LayerNormGRUCell,
        LayerNormLSTMCell,
        LSTMCell,
        MemorylessCell,
        MinGRUCell,
    )
    from elman.errors import ElmanError
    from elman.forecasting.anomalies import AnomalyDetector
    from elman.forecasting.backtest import backtest
    from elman.forecasting.forecast import forecast
    from elman.layers import GRU, LSTM, RNN, LayerNormGRU, LayerNormLSTM, Memoryless, MinGRU, Stepper, unroll
    from elman.layers.accelerate import accelerate, restore
    from elman.model.load import load
    from elman.model.model import Model
    from elman.training.resume import resume
    from elman.training.train import train

_HOMES = {
    "ElmanError": "errors",
    "ElmanCell": "cells",
    "GRUCell": "cells",
    "LSTMCell": "cells",
    "MemorylessCell": "cells",
    "MinGRUCell": "cells",
    "LayerNormLSTMCell": "cells",
    "LayerNormGRUCell": "cells",
    "RNN": "layers",
    "LSTM": "layers",
    "GRU": "layers",
    "Memoryless": "layers",
    "MinGRU": "layers",
    "LayerNormLSTM": "layers",
    "LayerNormGRU": "layers",
    "Stepper": "layers",
    "unroll": "layers",
    "Model": "model.model",
    "AnomalyDetector": "forecasting.anomalies",
    "load": "model.load",
    "train": "training.train",
    "backtest": "forecasting.backtest",
    "forecast": "forecasting.forecast",
    "resume": "training.resume",
    "accelerate": "layers.accelerate",
    "restore": "layers.accelerate",
}

_FOLDERS = {
    "cells", "cli", "config", "data", "decoding", "encoders", "errors", "fields", "forecasting", "heads", "inference",
    "insight", "kernels", "layers", "media", "metrics", "model", "network", "recipes", "storage", "testing",
    "topologies", "training", "types",
}  # fmt: skip

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AnomalyDetector",
    "ElmanCell",
    "ElmanError",
    "GRUCell",
    "LSTMCell",
    "LayerNormGRU",
    "LayerNormGRUCell",
    "LayerNormLSTM",
    "LayerNormLSTMCell",
    "Memoryless",
    "MemorylessCell",
    "MinGRU",
    "MinGRUCell",
    "Model",
    "Stepper",
    "accelerate",
    "backtest",
    "forecast",
    "load",
    "restore",
    "resume",
    "train",
    "unroll",
]


def __getattr__(name: str) -> Any:
    if name in _FOLDERS:
        return import_module(f"elman.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    value = getattr(import_module(f"elman.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
