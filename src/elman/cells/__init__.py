"""Recurrent cells, one step each. A new cell is one file here and one line in this table."""

from elman.cells.base import Cell, check_state, state_names
from elman.cells.elman import ElmanCell, ElmanState
from elman.cells.gru import GRUCell, GRUState
from elman.cells.layer_norm_gru import LayerNormGRUCell
from elman.cells.layer_norm_lstm import LayerNormLSTMCell
from elman.cells.lstm import LSTMCell, LSTMState
from elman.cells.memoryless import MemorylessCell, MemorylessState
from elman.cells.min_gru import MinGRUCell, MinGRUState

CELLS: dict[str, type[Cell]] = {
    "rnn": ElmanCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
    "mingru": MinGRUCell,
    "lstm-norm": LayerNormLSTMCell,
    "gru-norm": LayerNormGRUCell,
    "memoryless": MemorylessCell,
}

__all__ = [
    "CELLS",
    "Cell",
    "ElmanCell",
    "ElmanState",
    "GRUCell",
    "GRUState",
    "LSTMCell",
    "LSTMState",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "MemorylessCell",
    "MemorylessState",
    "MinGRUCell",
    "MinGRUState",
    "check_state",
    "state_names",
]
