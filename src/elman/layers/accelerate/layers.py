"""torch's own layers with our kernels inside, into which `elman.accelerate` turns torch.nn.RNN, LSTM and GRU."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, state_names
from elman.layers.backends.fused import LEAST_STEPS, cell_of
from elman.layers.dropout import drop_out
from elman.layers.native.conditions import kernels_may_run
from elman.layers.stack import run_stack

Hidden = tuple[Tensor, ...]  # as torch has it, (N, B, H) each: hidden state, and for an LSTM cell state


class _Fused(nn.RNNBase):
    """A torch layer with another `forward`; parameters, options and everything else stay torch's.

    What the kernels do not support, and every error, is left to torch's own `forward`.
    """

    cell_type: ClassVar[type[Cell]]

    def forward(self, input: Any, hx: Any = None) -> Any:  # as torch.nn.RNN, LSTM and GRU
        self._update_flat_weights()  # torch's: they may have been replaced, as by `torch.func.functional_call`
        given = self._given(hx)
        if given is None or not self._fits(input, given):
            return super().forward(input, hx)
        if isinstance(input, PackedSequence):
            x, sizes, order, back = input
            lengths = (sizes[:, None] > torch.arange(int(sizes[0]))).sum(0)
            given = tuple(tensor if order is None else tensor.index_select(1, order) for tensor in given)
            outputs, hidden = self._run(x, given, lengths)
            hidden = tuple(tensor if back is None else tensor.index_select(1, back) for tensor in hidden)
            return PackedSequence(outputs, sizes, order, back), self._taken(hidden)
        if input.dim() == 2:
            outputs, hidden = self._run(input[None], tuple(tensor[:, None] for tensor in given))
            return outputs[0], self._taken(tuple(tensor[:, 0] for tensor in hidden))
        if self.batch_first and not (self.training and self.dropout and self.num_layers > 1):
            outputs, hidden = self._run(input, given)
            return outputs, self._taken(hidden)
        if self.batch_first:  # torch's dropout, whose numbers must be the same, draws them time-major
            outputs, hidden = self._time_major(input.transpose(0, 1), given)
            return outputs.transpose(0, 1), self._taken(hidden)
        outputs, hidden = self._time_major(input, given)
        return outputs, self._taken(hidden)

    def _time_major(self, x: Tensor, hidden: Hidden) -> tuple[Tensor, Hidden]:
        """Padded x (T, B, D) -> outputs likewise."""
        steps, rows = x.shape[:2]
        if steps == 1 or rows == 1:  # a transpose costs nothing
            outputs, hidden = self._run(x.transpose(0, 1), hidden)
            return outputs.transpose(0, 1), hidden
        # Time-major rows of one length are a packed sequence as they stand.
        outputs, hidden = self._run(x.flatten(0, 1), hidden, torch.full((rows,), steps))
        return outputs.view(steps, rows, -1), hidden

    def _run(self, x: Tensor, hidden: Hidden, lengths: Tensor | None = None) -> tuple[Tensor, Hidden]:
        """Padded x (B, T, D), or with `lengths` packed x (N, D), the longest row first -> outputs likewise."""
        rows, directions = x.shape[0] if lengths is None else len(lengths), 1 + self.bidirectional
        if not hidden:
            shape = (self.num_layers * directions, rows, self.hidden_size)
            hidden = tuple(x.new_zeros(shape) for _ in state_names(self.cell_type.state_type))
        dropout = float(self.dropout) if self.training else 0.0
        if x.shape[:-1].numel() == rows:
            outputs, hidden = self._step(x.view(rows, -1), hidden, dropout)
            return outputs.view(*x.shape[:-1], -1), hidden
        state = self.cell_type.state_type(*(tensor.transpose(0, 1) for tensor in hidden))
        outputs, final = run_stack(self._cells(), directions, x, state, lengths, dropout=dropout, backend="fused")
        return outputs, tuple(tensor.transpose(0, 1).contiguous() for tensor in final)

    def _step(self, x: Tensor, hidden: Hidden, dropout: float) -> tuple[Tensor, Hidden]:
        """One step of an LSTM, x (B, D) -> (B, directions * H).

        By torch's single step: whole-sequence kernels, torch's and ours, first reorder the weights, which takes longer
        than the step.
        """
        states: list[Hidden] = []
        for at, (hidden_state, cell_state, weights) in enumerate(zip(*hidden, self._weights(), strict=True)):
            if at and at % (1 + self.bidirectional) == 0:
                x = drop_out(self._joined(states), dropout, dropout > 0)
            states.append(torch.lstm_cell(x, (hidden_state, cell_state), *weights))
        return self._joined(states), tuple(torch.stack(tensors) for tensors in zip(*states, strict=True))

    def _joined(self, states: list[Hidden]) -> Tensor:
        """The outputs of the layer that was computed last."""
        return torch.cat([state[0] for state in states[-1 - self.bidirectional :]], -1)

    def _weights(self) -> list[tuple[Tensor, ...]]:
        """The parameters of each layer and direction, in torch's order."""
        flat: Any = self._flat_weights
        return list(zip(*[iter(flat)] * (4 if self.bias else 2), strict=True))

    def _cells(self) -> list[Cell]:
        """Cells for one call that read this layer's parameters."""
        kind = self.mode.lower().replace("_", "-")  # "LSTM", "GRU", "RNN_TANH", "RNN_RELU"
        return [cell_of(kind, weights) for weights in self._weights()]

    def _fits(self, input: Any, given: Hidden) -> bool:
        """Whether the kernels support this request, and are faster than torch."""
        flat: Any = self._flat_weights
        sizes = input.batch_sizes.tolist() if isinstance(input, PackedSequence) else None
        x = input if sizes is None else input.data
        if self.proj_size or not kernels_may_run((x, *flat, *given)):
            return False
        if x.layout != torch.strided or x.numel() == 0 or x.shape[-1] != self.input_size:
            return False
        rows: tuple[int, ...]
        if sizes is not None:
            if x.dim() != 2 or sum(sizes) != x.shape[0] or sizes != sorted(sizes, reverse=True):
                return False
            rows, steps = (sizes[0],), len(sizes)
        elif x.dim() == 2:
            rows, steps = (), x.shape[0]
        elif x.dim() == 3:
            rows, steps = (x.shape[0],), x.shape[1]
            if not self.batch_first:
                rows, steps = (steps,), rows[0]
        else:
            return False
        shape = (self.num_layers * (1 + self.bidirectional), *rows, self.hidden_size)
        # A single step of an LSTM is done by torch's cell; for few steps torch is as fast.
        worth = x.shape[:-1].numel() >= LEAST_STEPS if steps > 1 else self.cell_type is LSTMCell
        return worth and all(tensor.shape == shape for tensor in given)

    def _given(self, hx: Any) -> Hidden | None:
        """The state as a tuple, empty if there is none; None if it is not what torch takes."""
        if hx is None:
            return ()
        if self.cell_type is not LSTMCell:
            return (hx,)
        return tuple(hx) if isinstance(hx, (tuple, list)) and len(hx) == 2 else None

    def _taken(self, hidden: Hidden) -> Any:
        """The state as torch returns it."""
        return hidden if self.cell_type is LSTMCell else hidden[0]


class FusedRNN(_Fused, nn.RNN):
    """torch.nn.RNN, accelerated."""

    cell_type = ElmanCell


class FusedLSTM(_Fused, nn.LSTM):
    """torch.nn.LSTM, accelerated."""

    cell_type = LSTMCell


class FusedGRU(_Fused, nn.GRU):
    """torch.nn.GRU, accelerated."""

    cell_type = GRUCell
