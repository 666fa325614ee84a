"""Layers over whole sequences, and the reference that they are tested against."""

from collections.abc import Callable
from functools import partial

from elman.layers.attention import AttentionPool
from elman.layers.backends import BACKENDS, choose_backend
from elman.layers.embedding import TokenEmbedding
from elman.layers.layer_norm import LayerNormGRU, LayerNormLSTM
from elman.layers.pooling import POOLS
from elman.layers.recurrent import GRU, LSTM, RNN, MinGRU, Recurrent
from elman.layers.stepper import Stepper
from elman.layers.unroll import real_steps, unroll, unroll_states

# What `cell = "..."` in a configuration builds.
LAYERS: dict[str, Callable[..., Recurrent]] = {
    "rnn": RNN,
    "rnn-relu": partial(RNN, nonlinearity="relu"),
    "rnn-identity": partial(RNN, nonlinearity="identity"),
    "lstm": LSTM,
    "gru": GRU,
    "mingru": MinGRU,
    "lstm-norm": LayerNormLSTM,
    "gru-norm": LayerNormGRU,
}

__all__ = [
    "BACKENDS",
    "GRU",
    "LAYERS",
    "LSTM",
    "POOLS",
    "RNN",
    "AttentionPool",
    "LayerNormGRU",
    "LayerNormLSTM",
    "MinGRU",
    "Recurrent",
    "Stepper",
    "TokenEmbedding",
    "choose_backend",
    "real_steps",
    "unroll",
    "unroll_states",
]
