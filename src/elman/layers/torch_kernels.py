"""torch's own whole-sequence kernels (oneDNN, cuDNN, ATen), made exact for rows of different lengths."""

from typing import Any

import torch
from torch import Tensor

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell
from elman.layers.unroll import real_steps
from elman.types import State

SHUT = 1e4  # added to a gate before its sigmoid: exactly 0 or 1 in float32 and float64, and finite


def torch_kernels(
    cell: Cell,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    start: State | None = None,
) -> tuple[Tensor, State]:
    """Run `cell` over a padded batch by torch.lstm, torch.gru, torch.rnn_tanh or torch.rnn_relu.

    Arguments and result as `unroll`; `reset` is not possible here. The batch goes in padded, not packed: torch's packed
    kernels are two to four times slower on a CPU. Padding stands at the end of a row, so no real step sees it.
    """
    start = cell.zero_state(x) if start is None else start
    state = start if state is None else state
    real = None if lengths is None else real_steps(lengths, x.shape[1])
    if real is not None:
        x = x.masked_fill(~real[..., None], 0)
    weights = [w for w in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if w is not None]
    if isinstance(cell, LSTMCell):
        if real is not None:
            x, weights[0] = _with_frozen_padding(x, weights[0], real)
        outputs, *final = _run(torch.lstm, x, tuple(state), weights)
    else:
        outputs, *final = _run(_kernel(cell), x, state[0], weights)
    if real is not None and lengths is not None:
        final[0] = _at_end(outputs, lengths, state[0])
        outputs = outputs * real[..., None]
    return outputs, cell.state_type(*final)


def _kernel(cell: Cell) -> Any:  # torch's kernels carry no types
    if isinstance(cell, GRUCell):
        return torch.gru
    assert isinstance(cell, ElmanCell)  # the choice of backend guarantees it
    return {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[cell.nonlinearity]


def _run(kernel: Any, x: Tensor, state: Tensor | tuple[Tensor, ...], weights: list[Tensor]) -> list[Tensor]:
    """One layer, one direction; states (B, H) in and out."""
    one_layer = state[None] if isinstance(state, Tensor) else tuple(tensor[None] for tensor in state)
    outputs, *final = kernel(x, one_layer, weights, len(weights) == 4, 1, 0.0, False, False, True)
    return [outputs, *(tensor[0] for tensor in final)]


def _with_frozen_padding(x: Tensor, weight_ih: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """One more input, 1 in the padding, shuts the input gate and opens the forget gate: the cell state freezes.

    The hidden state at a row's end can be read from the outputs; the cell state cannot, so it must survive the padding.
    """
    hidden_size = weight_ih.shape[0] // 4
    column = weight_ih.new_zeros(4, hidden_size)
    column[0], column[1] = -SHUT, SHUT  # gate order i f g o
    flag = (~real).to(x.dtype)[..., None]
    return torch.cat([x, flag], -1), torch.cat([weight_ih, column.view(-1, 1)], -1)


def _at_end(outputs: Tensor, lengths: Tensor, state: Tensor) -> Tensor:
    """The output (B, H) of each row's last real step, or the state before the first where a row has none."""
    last = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
    return torch.where((lengths > 0)[:, None], outputs.gather(1, last)[:, 0], state)
