"""Layers of cells with layer normalization, which only the reference runs."""

from elman.cells import LayerNormGRUCell, LayerNormLSTMCell
from elman.layers.recurrent import Gated


class LayerNormLSTM(Gated):
    """Layers of `LayerNormLSTMCell`; see `Recurrent` for options, shapes and errors.

    There is no kernel for them: every step consists of operations of torch (backend "reference"), several times slower
    than LSTM.

    Args:
        init: "orthogonal" (forget bias 1) or "torch", see `Cell.reset_parameters`.

    Example:
        >>> lstm = LayerNormLSTM(3, 4, num_layers=2, bidirectional=True)
        >>> outputs, state = lstm(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.cell.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 4, 4]))
    """

    cell_type = LayerNormLSTMCell


class LayerNormGRU(Gated):
    """Layers of `LayerNormGRUCell`; see `Recurrent` for options, shapes and errors.

    There is no kernel for them: every step consists of operations of torch (backend "reference"), several times slower
    than GRU.

    Args:
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Example:
        >>> gru = LayerNormGRU(3, 4)
        >>> outputs, state = gru(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = LayerNormGRUCell
