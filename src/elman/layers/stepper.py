"""One step at a time, for streams: weights packed once, state kept at a fixed place, no torch between two steps."""

import copy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.cells import Cell, check_state
from elman.checks import check_choice, check_range, fail
from elman.kernels import PARAMETERS
from elman.kernels.steps import WEIGHTS, Steps
from elman.layers.fused import fused_refuses, kind_of
from elman.layers.recurrent import Recurrent
from elman.types import State


class Stepper:
    """A recurrent layer that is fed step by step, with the weights that it has now.

    A step of a small layer takes about two microseconds, the call from Python included. Where no kernel fits (a cell of
    your own, no compiler at installation) torch computes the steps: the same numbers, slower.

    Args:
        layer: one direction, in float32 on the CPU; training it later does not change the stepper.
        rows: B, streams that advance together, at least 1.
        weights: "float32"; "bfloat16" or "int8" (a scale for each row of a weight matrix) take a half and a quarter of
            the memory traffic, which is what a step of a large layer costs, and round the weights; states and sums stay
            float32.

    Attributes:
        input: numpy float32 (B, D), what the next step reads.
        output: numpy float32 (B, H), what the last step gave; the next step writes over it.

    Raises:
        ArgumentError: a bidirectional layer, another dtype, a wrong shape, weights that need a kernel and have none.

    Example:
        >>> import numpy as np
        >>> gru = elman.GRU(3, 4)
        >>> stepper = elman.Stepper(gru)
        >>> for x in np.zeros((5, 1, 3)):
        ...     output = stepper(x)
        >>> output.shape, stepper.state.hidden.shape
        ((1, 4), torch.Size([1, 1, 4]))
    """

    def __init__(self, layer: Recurrent, rows: int = 1, weights: str = "float32") -> None:
        check_range("Stepper", "rows", rows, low=1)
        check_choice("Stepper", "weights", weights, WEIGHTS)
        if layer.bidirectional:
            fail("Stepper", "layer", "read in one direction", "a bidirectional one", "Use bidirectional=False.")
        cells, probe = layer.cells(), torch.zeros(rows, 1, layer.input_size)
        if any(tensor.dtype != torch.float32 or tensor.device.type != "cpu" for tensor in layer.parameters()):
            fail("Stepper", "layer", "be float32 on the CPU", "another", "Pass layer.float().cpu().")
        with torch.no_grad():
            self._start = [tensor.transpose(0, 1).numpy().copy() for tensor in _at_rest(layer, probe)]
        self._state_type = layer.cell_type.state_type
        self._states = [tensor.copy() for tensor in self._start]  # (N, B, H)
        self._shape = (rows, layer.input_size)
        self.input = np.zeros(self._shape, np.float32)
        self.output = np.zeros((rows, layer.hidden_size), np.float32)
        refusal = fused_refuses(cells[0], probe, None)
        self._handle: int | None = None
        if refusal is None:
            parameters = [[getattr(cell, name) for name in PARAMETERS] for cell in cells]
            self._steps = Steps(kind_of(cells[0]), parameters, weights)
            places = (self.input, self.output, *self._states)
            self._steps.bind(rows, *(array.ctypes.data for array in places))
            self._step, self._handle = self._steps.step, self._steps.handle
        elif weights == "float32":
            self._step = partial(self._step_by_torch, copy.deepcopy(layer).cells())
        else:
            fail("Stepper", "weights", "be float32 without a kernel", f"{weights!r}", f"Here {refusal}.")

    def __call__(self, x: np.ndarray | Tensor) -> np.ndarray:
        """One step: x (B, D) -> the last layer's output (B, H), a view that the next step writes over."""
        if x.shape != self._shape:
            fail("Stepper", "x", f"have shape {self._shape}", str(tuple(x.shape)))
        self.input[:] = x
        self._step(self._handle)
        return self.output

    @property
    def state(self) -> State:
        """The state after the last step, a copy: the cell's NamedTuple of (B, N, H), as a layer takes and gives it."""
        return self._state_type(*(torch.from_numpy(s.transpose(1, 0, 2).copy()) for s in self._states))

    @state.setter
    def state(self, state: State) -> None:
        layers, rows, hidden_size = self._states[0].shape
        check_state("Stepper", state, self._state_type, "B N H", B=rows, N=layers, H=hidden_size)
        for place, tensor in zip(self._states, state, strict=True):
            place[:] = tensor.detach().transpose(0, 1).numpy()

    def reset(self, rows: Any = slice(None)) -> None:
        """Put these rows (an index, a list, a mask; all without) back to the state that a sequence begins with."""
        for place, start in zip(self._states, self._start, strict=True):
            place[:, rows] = start[:, rows]

    @torch.no_grad()
    def _step_by_torch(self, cells: tuple[Cell, ...], _: None) -> None:
        x = torch.from_numpy(self.input)
        for at, cell in enumerate(cells):
            places = [torch.from_numpy(place[at]) for place in self._states]
            x, state = cell(x, self._state_type(*(place.clone() for place in places)))
            for place, tensor in zip(places, state, strict=True):
                place.copy_(tensor)
        self.output[:] = x.numpy()


def _at_rest(layer: Recurrent, x: Tensor) -> State:
    """What a sequence begins with when no chance is involved."""
    training = layer.training
    try:
        return layer.eval().start_state(x)
    finally:
        layer.train(training)
