"""Steps by the compiled kernels: of weights packed once, singly or as whole sequences, or of weights as they stand."""

import ctypes
import weakref
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elman.kernels.library import KERNELS, KINDS, PARAMETERS, Call, SingleStep, StepLayer
from elman.layers.native.run import pointers, run_call

WEIGHTS = {"float32": 0, "bfloat16": 1, "int8": 2}  # as csrc/step_weights.h numbers them
Places = ctypes.c_void_p * 4


class Steps:
    """A stack of cells in one direction, with the weights that they have now.

    Args:
        kind: a name of `elman.kernels.KINDS`.
        layers: the tensors of each cell, as `PARAMETERS` names them; biases may be None.
        weights: a name of `WEIGHTS`.

    Attributes:
        step: takes `handle` and does one step; the cheapest call that Python has.
    """

    def __init__(self, kind: str, layers: Sequence[Sequence[Tensor | None]], weights: str = "float32") -> None:
        library = KERNELS.library
        assert library is not None  # whoever asks has seen that there are kernels
        dense = [[None if tensor is None else tensor.detach().contiguous() for tensor in layer] for layer in layers]
        described = (StepLayer * len(dense))()
        for layer, (weight_ih, weight_hh, *biases) in zip(described, dense, strict=True):
            assert weight_ih is not None
            assert weight_hh is not None
            layer.input_size, layer.hidden_size = weight_ih.shape[1], weight_hh.shape[1]
            for name, tensor in zip(PARAMETERS, (weight_ih, weight_hh, *biases), strict=False):
                setattr(layer, name, None if tensor is None else tensor.data_ptr())
        handle = library.elman_stepper_new(*KINDS[kind], WEIGHTS[weights], len(dense), described)
        if not handle:
            raise MemoryError(f"steps: no memory for the weights of {len(dense)} layers")
        weakref.finalize(self, library.elman_stepper_free, handle)
        self.handle: int = handle
        self.step: Callable[[int | None], None] = library.elman_stepper_step
        self._bind = library.elman_stepper_bind

    def bind(self, rows: int, input: int, output: int, hidden: int, cell: int | None = None) -> None:
        """How many rows there are and where they lie: input (B, D), output (B, H), states (layers, B, H), float32.

        As many threads as torch has now may share a step.
        """
        if self._bind(self.handle, rows, torch.get_num_threads(), Places(input, output, hidden, cell)):
            raise MemoryError(f"steps: no memory for {rows} rows")

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
        call = Call(rows=rows, time=time, room=rows * time, threads=torch.get_num_threads(), x=x.data_ptr())
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
    library = KERNELS.library
    assert library is not None  # whoever asks has seen that there are kernels
    x, hidden, *cell = (tensor.contiguous() for tensor in (x, *state))
    after = [torch.empty_like(tensor) for tensor in (hidden, *cell)]
    dense = [None if tensor is None else tensor.contiguous() for tensor in weights]
    places = (None if tensor is None else tensor.data_ptr() for tensor in (*dense, *[None] * (4 - len(dense))))
    cells = (cell[0].data_ptr(), after[0].data_ptr(), after[1].data_ptr()) if cell else (None, after[0].data_ptr())
    rows, size = hidden.shape
    call = SingleStep(*KINDS[kind], rows, x.shape[1], size, x.data_ptr(), *places, hidden.data_ptr(), *cells)
    if library.elman_single_step(call):
        raise MemoryError(f"single_step: no memory for {size} units")
    return after
