"""torch's own whole-sequence kernels (oneDNN, cuDNN, ATen), made exact for rows of different lengths."""

from typing import Any

import torch
from torch import Tensor

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell
from elman.layers.unroll import real_steps
from elman.types import State

SHUT = 1e30  # added before an activation, outweighs all other terms: sigmoid gives 0 or 1, relu gives 0


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
    kernels are slower on a CPU (`benchmarks/padded_text.py`). Padding stands at a row's end, so no real step sees it.
    """
    start = cell.zero_state(x) if start is None else start
    state = start if state is None else state
    real = None if lengths is None else real_steps(lengths, x.shape[1])
    if real is not None:
        x = x.masked_fill(~real[..., None], 0)
    weights = [w for w in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh) if w is not None]
    shut = _shut_in_padding(cell)
    if real is not None and shut is not None:
        x, weights[0] = _with_padding_shown(x, weights[0], real, shut)
    if isinstance(cell, LSTMCell):
        outputs, *final = _run(torch.lstm, x, tuple(state), weights)
    else:
        outputs, *final = _run(_kernel(cell), x, state[0], weights)
    if real is not None and lengths is not None:
        final[0] = _at_end(outputs, lengths, state[0])
        outputs = outputs.masked_fill(~real[..., None], 0)
    return outputs, cell.state_type(*final)


def _kernel(cell: Cell) -> Any:  # torch's kernels carry no types
    if isinstance(cell, GRUCell):
        return torch.gru
    assert isinstance(cell, ElmanCell)  # the choice of backend guarantees it
    return {"tanh": torch.rnn_tanh, "relu": torch.rnn_relu}[cell.nonlinearity]


def _run(kernel: Any, x: Tensor, state: Tensor | tuple[Tensor, ...], weights: list[Tensor]) -> list[Tensor]:
    """One layer, one direction; states (B, H) in and out."""
    one_layer = state[None] if isinstance(state, Tensor) else tuple(tensor[None] for tensor in state)
    train = torch.is_grad_enabled()  # without dropout it only tells cuDNN that a backward pass may follow
    outputs, *final = kernel(x, one_layer, weights, len(weights) == 4, 1, 0.0, train, False, True)
    return [outputs, *(tensor[0] for tensor in final)]


def _shut_in_padding(cell: Cell) -> tuple[int, ...] | None:
    """What padding must do to each gate, -1 shut and 1 open it, so that nothing in it spoils an answer; None: nothing.

    The hidden state at a row's end is read from the outputs. An LSTM's cell state is not among them, so it must survive
    the padding: input gate shut, forget gate open. A relu would grow on through the padding until it overflows.
    """
    if isinstance(cell, LSTMCell):
        return (-1, 1, 0, 0)  # gate order i f g o
    return (-1,) if isinstance(cell, ElmanCell) and cell.nonlinearity == "relu" else None


def _with_padding_shown(x: Tensor, weight_ih: Tensor, real: Tensor, shut: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """One more input, 1 in the padding and 0 elsewhere, and its weights, which shut or open the gates."""
    strength = min(SHUT, torch.finfo(weight_ih.dtype).max / 4)  # float16 ends at 65,504
    column = weight_ih.new_tensor(shut).mul(strength).repeat_interleave(weight_ih.shape[0] // len(shut))
    flag = (~real).to(x.dtype)[..., None]
    return torch.cat([x, flag], -1), torch.cat([weight_ih, column[:, None]], -1)


def _at_end(outputs: Tensor, lengths: Tensor, state: Tensor) -> Tensor:
    """The output (B, H) of each row's last real step, or the state before the first where a row has none."""
    last = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
    return torch.where((lengths > 0)[:, None], outputs.gather(1, last)[:, 0], state)
