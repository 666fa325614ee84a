"""Layers over whole sequences: `unroll` is the reference, and `recurrent` what networks use."""

from elman.layers.attention import ATTENTIONS, AdditiveAttention, AttentionPool, DotAttention, Memory
from elman.layers.backends import BACKENDS, choose_backend
from elman.layers.bridge import Bridge, ContextBridge
from elman.layers.decoder import Decoder, DecoderState
from elman.layers.dropout import drop_out
from elman.layers.embedding import TokenEmbedding
from elman.layers.image import PictureEncoder
from elman.layers.layer_norm import LayerNormGRU, LayerNormLSTM
from elman.layers.memoryless import Memoryless
from elman.layers.options import RecurrentOptions, StackOptions
from elman.layers.pooling import POOLS
from elman.layers.recurrent import GRU, LSTM, RNN, MinGRU, Recurrent
from elman.layers.stepper import Stepper
from elman.layers.table import LAYERS
from elman.layers.unroll import real_steps, unroll, unroll_states

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
    "RecurrentOptions",
    "StackOptions",
    "Stepper",
    "TokenEmbedding",
    "choose_backend",
    "drop_out",
    "real_steps",
    "unroll",
    "unroll_states",
]
