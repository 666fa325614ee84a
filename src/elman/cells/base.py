"""What every recurrent cell is: one step from (input, state) to (output, state)."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range, check_shape, fail
from elman.types import State

INITS = ("orthogonal", "torch")


class Cell(nn.Module):
    """One recurrent step.

    A subclass states its `gates` in torch's order, its `state_type`, and how to `combine` the products of the weights
    with the input and with the hidden state, the first tensor of its state. The parameters and their initial values,
    the zero state, and the input projection that all steps of a sequence share are here. A cell whose weights read the
    state in another way, or not at all, overrides `step` instead.
    """

    gates: ClassVar[tuple[str, ...]]
    state_type: ClassVar[type[State]]
    gates_see_state: ClassVar[bool] = True  # False: no weight_hh, so that all steps can be computed at once

    weight_hh: Tensor

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, init: str = "orthogonal") -> None:
        super().__init__()
        where = type(self).__name__
        check_range(where, "input_size", input_size, low=1)
        check_range(where, "hidden_size", hidden_size, low=1, then="Pass hidden_size=128, a common size.")
        check_choice(where, "init", init, INITS)
        self.input_size, self.hidden_size, self.init = input_size, hidden_size, init
        self.make_parameters(bias)
        self.reset_parameters()

    def make_parameters(self, bias: bool) -> None:
        """Register the parameters, their values not yet drawn."""
        rows = len(self.gates) * self.hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, self.input_size))
        if self.gates_see_state:
            self.weight_hh = nn.Parameter(torch.empty(rows, self.hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows)) if bias else None
        self.bias_hh = nn.Parameter(torch.empty(rows)) if bias and self.gates_see_state else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the parameters.

        "torch": all uniform in +-1/sqrt(H), as torch.nn does. "orthogonal": the same, but the recurrent weights are
        orthogonal, gate by gate (Saxe et al. 2013, arXiv 1312.6120), which preserves the norm of a signal from step to
        step in a linear network, and nearly so in others at first; and the bias of a forget gate starts at 1 (Gers et
        al. 2000; Jozefowicz et al. 2015), so that the cell starts by remembering.
        """
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        if self.init == "torch" or not self.gates_see_state:
            return
        for block in self.weight_hh.chunk(len(self.gates)):
            nn.init.orthogonal_(block)
        if "forget" in self.gates and self.bias_ih is not None and self.bias_hh is not None:
            forget = self.gates.index("forget")
            self.bias_ih.chunk(len(self.gates))[forget].fill_(1)
            self.bias_hh.chunk(len(self.gates))[forget].zero_()

    def zero_state(self, x: Tensor) -> State:
        """The state before the first step: zeros, on the device and of the type of x (B, ..., D)."""
        return self.state_type(*(x.new_zeros(x.shape[0], self.hidden_size) for _ in state_names(self.state_type)))

    def project(self, x: Tensor) -> Tensor:
        """Wx.x + b for any number of steps at once, (..., D) -> (..., gates * H): it does not depend on the state."""
        return nn.functional.linear(x, self.weight_ih, self.bias_ih)

    def recur(self, hidden: Tensor) -> Tensor:
        """W_hh h + b_hh, (B, H) -> (B, gates * H): the recurrent part of a step."""
        return nn.functional.linear(hidden, self.weight_hh, self.bias_hh)

    def combine(self, projected: Tensor, recurrent: Tensor, state: State) -> tuple[Tensor, State]:
        """`project` and `recur` of a step, (B, gates * H) each, and the state before it -> (output, state after it)."""
        raise NotImplementedError

    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """One step from the projected input (B, gates * H) and the state before it to (output, state after it)."""
        return self.combine(projected, self.recur(state[0]), state)

    def weights(self) -> dict[str, Any]:
        """The parameters by name, in torch's order."""
        return dict(self._parameters)

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Take these tensors as parameters, for a layer that registers them under names of its own."""
        self._parameters.update(weights)

    def with_weights(self, **weights: Any) -> Self:
        """A copy of this cell for one call, which reads these tensors in place of its parameters of these names."""
        twin = type(self).__new__(type(self))
        twin.__dict__ = self.__dict__ | {"_parameters": self._parameters | weights}
        return twin

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """One step: x (B, D) and the state before it, zeros if None -> output (B, H) and the state after it.

        Raises:
            ArgumentError: x or the state has another shape, or the state is not of this cell's type.
        """
        where = type(self).__name__
        check_shape(where, "x", x.shape, "B D", D=self.input_size)
        if state is None:
            return self.step(self.project(x), self.zero_state(x))
        check_state(where, state, self.state_type, "B H", B=x.shape[0], H=self.hidden_size)
        return self.step(self.project(x), state)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"


def state_names(state_type: type[State]) -> tuple[str, ...]:
    """The names of a state's tensors, such as ("hidden", "cell")."""
    names: tuple[str, ...] = state_type._fields  # type: ignore[attr-defined]  # every state type is a NamedTuple
    return names


def check_state(where: str, state: State, state_type: type[State], expected: str, **sizes: int) -> None:
    """Fail unless `state` is of its cell's own type and every tensor in it has the expected shape."""
    if not isinstance(state, state_type):
        names = ", ".join(f"{name}=..." for name in state_names(state_type))
        fail(
            where, "state", f"be a {state_type.__name__}", type(state).__name__, f"Pass {state_type.__name__}({names})."
        )
    for name, tensor in zip(state_names(state_type), state, strict=True):
        check_shape(where, f"state.{name}", tensor.shape, expected, **sizes)
