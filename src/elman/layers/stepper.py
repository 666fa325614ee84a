"""The stepper: a layer with weights packed once, in 32, 16 or 8 bits, for streams step by step and whole sequences."""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.cells import Cell, check_state
from elman.checks import check_choice, check_shape, check_whole, fail, shown
from elman.kernels import PARAMETERS
from elman.kernels.abi import WEIGHTS
from elman.layers.backends.fused import fused_refuses, kind_of
from elman.layers.native.steps import PackedSteps
from elman.layers.recurrent import Recurrent
from elman.layers.request import check_lengths
from elman.types import State

FLOAT32 = np.dtype(np.float32)
ARRAY = np.ndarray  # one lookup less in a step that takes a microsecond


class Stepper:
    """A recurrent layer with its current weights, called step by step or with whole sequences.

    A call takes one step of all streams and updates their state; `run` takes any batch of whole sequences and does not
    touch the streams. Both return the same numbers, to the last bit where a kernel computes them. A step of a small
    layer takes some microseconds, the call from Python included, in one thread. Consecutive steps of a large layer (a
    megabyte of weights) use as many threads as torch had when the stepper was made, while that is faster. Where there
    is no kernel (a cell of your own, no compiler at installation) torch computes the steps: the same numbers, slower.

    Args:
        layer: one direction, in float32 on the CPU; training it later does not change the stepper.
        rows: B, number of parallel streams, at least 1.
        weights: "float32"; "bfloat16" or "int8" (with a scale for each row of a weight matrix), which round the weights
            and need a half or a quarter of the memory traffic, the main cost of a step of a large layer; int8 also
            rounds activations, to two bytes. States and sums stay float32.

    Raises:
        ArgumentError: another layer than ours, a bidirectional one, another dtype, a wrong shape, weights that need a
            kernel and have none.

    Example:
        >>> import numpy as np
        >>> gru = elman.GRU(3, 4)
        >>> stepper = elman.Stepper(gru)
        >>> for x in np.zeros((5, 1, 3)):
        ...     output = stepper(x)
        >>> output.shape, stepper.state.hidden.shape
        ((1, 4), torch.Size([1, 1, 4]))
        >>> outputs, state = stepper.run(torch.zeros(2, 5, 3), lengths=torch.tensor([5, 2]))
        >>> outputs.shape, bool((outputs[0, -1] == torch.from_numpy(output)).all())
        (torch.Size([2, 5, 4]), True)
    """

    def __init__(self, layer: Recurrent, rows: int = 1, weights: str = "float32") -> None:
        if not isinstance(layer, Recurrent):
            then = "Build elman.LSTM or the like, and load_state_dict(torch_layer.state_dict())."
            fail("Stepper", "layer", "be a layer of elman", type(layer).__name__, then)
        check_whole("Stepper", "rows", rows, low=1)
        check_choice("Stepper", "weights", weights, WEIGHTS)
        if layer.bidirectional:
            fail("Stepper", "layer", "read in one direction", "a bidirectional one", "Use bidirectional=False.")
        for name, tensor in layer.named_parameters():
            if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
                got = f"{name} in {tensor.dtype} on {tensor.device}"
                fail("Stepper", "layer", "be float32 on the CPU", got, "Pass layer.float().cpu().")
        cells, probe = layer.cells(), torch.zeros(1, 1, layer.input_size)
        with torch.no_grad():
            self._start = [tensor.transpose(0, 1).numpy().copy() for tensor in _at_rest(layer, probe)]  # (N, 1, H)
        self._state_type = layer.cell_type.state_type
        self._states = [np.repeat(tensor, rows, 1) for tensor in self._start]  # (N, B, H)
        self._shape = (rows, layer.input_size)
        self._input = np.zeros(self._shape, np.float32)
        self._output = np.zeros((rows, layer.hidden_size), np.float32)
        refusal = fused_refuses(cells[0], probe, None)
        self._handle: int | None = None
        if refusal is None:
            parameters = [[getattr(cell, name) for name in PARAMETERS] for cell in cells]
            self._steps = PackedSteps(kind_of(cells[0]), parameters, weights)
            # The kernel keeps these addresses: the arrays must never be replaced.
            self._steps.bind(rows, *(array.ctypes.data for array in (self._input, self._output, *self._states)))
            self._step, self._handle = self._steps.step, self._steps.handle
        elif weights == "float32":
            self._copy = copy.deepcopy(layer).eval()
            self._step = partial(self._step_by_torch, self._copy.cells())
        else:
            fail("Stepper", "weights", "be float32 without a kernel", f"{weights!r}", f"Here {refusal}.")

    def __call__(self, x: np.ndarray | Tensor) -> np.ndarray:
        """One step: x (B, D) -> the last layer's output (B, H), a view that the next step overwrites."""
        if x.__class__ is not ARRAY or x.shape != self._shape or x.dtype is not FLOAT32:
            x = self._checked(x)
        self._input[...] = x
        self._step(self._handle)
        return self._output

    @torch.no_grad()
    def run(self, x: Tensor, state: State | None = None, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Whole sequences, as the layer would run them in evaluation; the streams and their state stay as they are.

        Args:
            x: (B, T, D), any number of rows; values after a row's length are never read.
            state: before the first step, the cell's NamedTuple of (B, N, H); the layer's initial state if None.
            lengths: (B,) integers, real steps of each row, 0 to T; all T if None.

        Returns: outputs (B, T, H), zero after a row's end, and the state at each row's own end.
        """
        layers, _, hidden_size = self._start[0].shape
        x = torch.as_tensor(x).detach().float().cpu()
        check_shape("Stepper", "x", x.shape, "B T D", D=self._shape[1])
        rows, steps = x.shape[:2]
        if state is None:
            state = self._state_type(
                *(torch.from_numpy(s.transpose(1, 0, 2)).expand(rows, -1, -1) for s in self._start)
            )
        check_state("Stepper", state, self._state_type, "B N H", B=rows, N=layers, H=hidden_size)
        state = self._state_type(*(tensor.detach().float().cpu() for tensor in state))
        if lengths is not None:
            check_lengths("Stepper", lengths, rows, steps)
            lengths = lengths.cpu().long()
        if self._handle is None:
            outputs: tuple[Tensor, State] = self._copy(x, state, lengths)
            return outputs
        found, final = self._steps.run(x, lengths, [tensor.transpose(0, 1) for tensor in state])
        return found, self._state_type(*(tensor.transpose(0, 1).contiguous() for tensor in final))

    def _checked(self, x: Any) -> np.ndarray:
        """Any other valid input, as an array of the right shape."""
        if isinstance(x, Tensor):
            x = x.detach().float().cpu().numpy()
        if not isinstance(x, np.ndarray) or x.shape != self._shape or x.dtype.kind not in "fiub":
            got = f"{x.dtype} of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
            fail("Stepper", "x", f"be numbers of shape {self._shape}, as an array or a tensor", got)
        return x

    @property
    def state(self) -> State:
        """The state after the last step, a copy: the cell's NamedTuple of (B, N, H), as layers take and return it."""
        return self._state_type(*(torch.from_numpy(s.transpose(1, 0, 2).copy()) for s in self._states))

    @state.setter
    def state(self, state: State) -> None:
        layers, rows, hidden_size = self._states[0].shape
        check_state("Stepper", state, self._state_type, "B N H", B=rows, N=layers, H=hidden_size)
        for place, tensor in zip(self._states, state, strict=True):
            place[:] = torch.as_tensor(tensor).detach().float().cpu().transpose(0, 1).numpy()

    def reset(self, rows: int | Sequence[int] | None = None) -> None:
        """Set these rows, all if None, to the layer's initial state."""
        total = self._shape[0]
        chosen = list(range(total)) if rows is None else [rows] if isinstance(rows, int) else list(rows)
        if any(isinstance(row, bool) or not isinstance(row, int) or not 0 <= row < total for row in chosen):
            fail("Stepper", "rows", f"be numbers of rows from 0 to {total - 1}", shown(rows))
        for place, start in zip(self._states, self._start, strict=True):
            place[:, chosen] = start

    def __reduce__(self) -> Any:
        fail("Stepper", "a stepper", "stay in its process", "a copy of it", "Copy the layer, and hand over its state.")

    @torch.no_grad()
    def _step_by_torch(self, cells: tuple[Cell, ...], _: None) -> None:
        x = torch.from_numpy(self._input)
        for at, cell in enumerate(cells):
            places = [torch.from_numpy(place[at]) for place in self._states]
            x, state = cell(x, self._state_type(*(place.clone() for place in places)))
            for place, tensor in zip(places, state, strict=True):
                place.copy_(tensor)
        self._output[:] = x.numpy()


def _at_rest(layer: Recurrent, x: Tensor) -> State:
    """The initial state in evaluation, which is never random."""
    training = layer.training
    try:
        return layer.eval().start_state(x)
    finally:
        layer.train(training)
