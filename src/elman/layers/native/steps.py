"""Steps by the compiled kernels: of weights packed once, singly or as whole sequences, or of weights as they are."""

import weakref
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elman.kernels import KINDS, PARAMETERS
from elman.kernels.abi import Call, SingleStep, StepLayer
from elman.kernels.calls import bind_steps, free_steps, pack_steps, run_call, step_function, take_single_step
from elman.layers.native.run import pointers


class PackedSteps:
    """A stack of cells in one direction, with the weights that they have now.

    Args:
        kind: a name of `elman.kernels.KINDS`.
        layers: the tensors of each cell, as `PARAMETERS` names them; biases may be None.
        weights: a name of `elman.kernels.abi.WEIGHTS`.

    Attributes:
        step: takes `handle` and does one step; the cheapest call that Python has.
    """

    def __init__(self, kind: str, layers: Sequence[Sequence[Tensor | None]], weights: str = "float32") -> None:
        dense = [[None if tensor is None else tensor.detach().contiguous() for tensor in layer] for layer in layers]
        self.handle = pack_steps(kind, [_described(layer) for layer in dense], weights)
        self.step: Callable[[int | None], None] = step_function()
        weakref.finalize(self, free_steps, self.handle)

    def bind(self, rows: int, input: int, output: int, hidden: int, cell: int | None = None) -> None:
        """Set the batch size and the addresses of the arrays: input (B, D), output (B, H), states (layers, B, H).

        As many threads as torch has now may share a step.
        """
        bind_steps(self.handle, rows, torch.get_num_threads(), (input, output, hidden, cell))

    def run(self, x: Tensor, lengths: Tensor | None, state: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Whole sequences, whatever is bound.

        Args:
            x: (B, T, D), float32.
            lengths: (B,) int64, real steps of each row, 0 to T; all T if None.
            state: before the first step, (layers, B, H) each: the hidden state, and for "lstm" the cell state.

        Returns: outputs of the last layer (B, T, H), zero after a row's end, and the state at each row's own end.
        """
        x, *state = (tensor.contiguous() for tensor in (x, *state))
        rows, time, _ = x.shape
        outputs, final = x.new_empty(rows, time, state[0].shape[2]), [torch.empty_like(tensor) for tensor in state]
        call = Call(rows=rows, time=time, capacity=rows * time, threads=torch.get_num_threads(), x=x.data_ptr())
        lengths = None if lengths is None else lengths.contiguous()
        call.lengths = None if lengths is None else lengths.data_ptr()
        call.outputs = outputs.data_ptr()
        call.hidden, call.cell = pointers(state)
        call.final_hidden, call.final_cell = pointers(final)
        run_call("elman_stepper_run", call, self.handle)
        return outputs, final


def single_step(kind: str, x: Tensor, state: Sequence[Tensor], weights: Sequence[Tensor | None]) -> list[Tensor]:
    """One step of one cell, nothing packed and nothing kept for a backward pass.

    Args:
        kind: a name of `elman.kernels.KINDS`.
        x: (B, D), float32.
        state: (B, H) each: the hidden state, and for "lstm" the cell state.
        weights: as `PARAMETERS` names them; biases may be None.

    Returns: the state after the step.
    """
    x, hidden, *cell = (tensor.contiguous() for tensor in (x, *state))
    after = [torch.empty_like(tensor) for tensor in (hidden, *cell)]
    dense = [None if tensor is None else tensor.contiguous() for tensor in weights]
    places = (None if tensor is None else tensor.data_ptr() for tensor in (*dense, *[None] * (4 - len(dense))))
    cells = (cell[0].data_ptr(), after[0].data_ptr(), after[1].data_ptr()) if cell else (None, after[0].data_ptr())
    rows, size = hidden.shape
    take_single_step(SingleStep(*KINDS[kind], rows, x.shape[1], size, x.data_ptr(), *places, hidden.data_ptr(), *cells))
    return after


def _described(layer: Sequence[Tensor | None]) -> StepLayer:
    """The sizes and addresses of one layer's dense weights."""
    weight_ih, weight_hh, *_ = layer
    assert weight_ih is not None
    assert weight_hh is not None
    described = StepLayer(weight_ih.shape[1], weight_hh.shape[1])
    for name, tensor in zip(PARAMETERS, layer, strict=False):
        setattr(described, name, None if tensor is None else tensor.data_ptr())
    return described
