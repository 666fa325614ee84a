"""The table of recurrent layers: what `cell = "..."` in a configuration builds. A new layer is one line here."""

from collections.abc import Callable
from functools import partial

from elman.layers.layer_norm import LayerNormGRU, LayerNormLSTM
from elman.layers.memoryless import Memoryless
from elman.layers.recurrent import GRU, LSTM, RNN, MinGRU, Recurrent

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
