"""Layers over whole sequences, and the reference that they are tested against."""

from collections.abc import Callable
from functools import partial

from elman.layers.attention import ATTENTIONS, AdditiveAttention, AttentionPool, DotAttention, Memory
from elman.layers.backends import BACKENDS, choose_backend
from elman.layers.bridge import Bridge, ContextBridge
from elman.layers.decoder import Decoder, DecoderState
from elman.layers.dropout import drop_out
from elman.layers.embedding import TokenEmbedding
from elman.layers.layer_norm import LayerNormGRU, LayerNormLSTM
from elman.layers.memoryless import Memoryless
from elman.layers.pictures import PictureEncoder
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
    "memoryless": Memoryless,
}

__all__ = [
    "ATTENTIONS",
    "BACKENDS",
    "GRU",
    "LAYERS",
    "LSTM",
    "POOLS",
    "RNN",
    "AdditiveAttention",
    "AttentionPool",
    "Bridge",
    "ContextBridge",
    "Decoder",
    "DecoderState",
    "DotAttention",
    "LayerNormGRU",
    "LayerNormLSTM",
    "Memory",
    "Memoryless",
    "MinGRU",
    "PictureEncoder",
    "Recurrent",
    "Stepper",
    "TokenEmbedding",
    "choose_backend",
    "drop_out",
    "real_steps",
    "unroll",
    "unroll_states",
]
