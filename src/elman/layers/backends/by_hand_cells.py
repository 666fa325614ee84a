"""The step of each cell and its derivative, written so that the loop over time does as little as possible."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell
from elman.types import State

# (t, one state (rows, H), the other). Forward: fills the state after step t, the other, from the one before it.
# Backward: adds to the gradient of the state before step t, the other, what comes from that of the state after it.
Step = Callable[[int, State, State], None]


class Back(NamedTuple):
    """The backward pass.

    Everything that does not depend on the step after it is computed before the loop, for all steps at once: the
    gradient of a pre-activation is its slope times the gradient of the state, which the loop multiplies in place.
    """

    step: Step
    recurrent: Tensor  # (N, gates * H): after the loop, the gradient of W_hh h + b_hh
    projected: Callable[[Tensor], Tensor]  # gradient of the hidden states after (N, H) -> gradient of W_ih x + b_ih


class Equations(ABC):
    """The equations of one kind of cell, over N packed steps; `sizes` has the number of rows of each step."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell

    def input_bias(self, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
        """What is added to the input projection of all steps at once."""
        return bias_ih + bias_hh

    @abstractmethod
    def forward(
        self, projected: Tensor, weight_hh: Tensor, bias_hh: Tensor | None, sizes: list[int]
    ) -> tuple[Step, tuple[Tensor, ...]]:
        """The step, and what it keeps for the backward pass. `projected` (N, gates * H) may be overwritten."""

    @abstractmethod
    def backward(
        self, kept: tuple[Tensor, ...], before: State, after: State, weight_hh: Tensor, sizes: list[int]
    ) -> Back:
        """The backward pass through the states (N, H) before and after every step."""


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh_, "relu": torch.relu_, "identity": lambda x: x}


class ElmanEquations(Equations):
    """h' = f(sum): the slope of f is known from h' alone, so nothing is kept."""

    def forward(
        self, projected: Tensor, weight_hh: Tensor, bias_hh: Tensor | None, sizes: list[int]
    ) -> tuple[Step, tuple[Tensor, ...]]:
        sums, weight = torch.split(projected, sizes), weight_hh.t().contiguous()
        assert isinstance(self.cell, ElmanCell)  # `EQUATIONS` guarantees it
        activation = ACTIVATIONS[self.cell.nonlinearity]

        def step(t: int, before: State, after: State) -> None:
            activation(torch.addmm(sums[t], before[0], weight, out=after[0]))

        return step, ()

    def backward(
        self, kept: tuple[Tensor, ...], before: State, after: State, weight_hh: Tensor, sizes: list[int]
    ) -> Back:
        assert isinstance(self.cell, ElmanCell)
        (hidden,) = after
        slopes = {
            "tanh": lambda: 1 - hidden * hidden,
            "relu": lambda: (hidden > 0).to(hidden.dtype),
            "identity": lambda: torch.ones_like(hidden),
        }[self.cell.nonlinearity]()
        slope = torch.split(slopes, sizes)

        def step(t: int, grad_after: State, grad_before: State) -> None:
            grad_before[0].addmm_(slope[t].mul_(grad_after[0]), weight_hh)

        return Back(step, slopes, lambda _: slopes)


class GRUEquations(Equations):
    """Kept: the gates r z, the candidate n, and W_hn h + b_hn, which r scales."""

    def input_bias(self, bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
        return bias_ih  # b_hn stands inside the product with r, so b_hh is added step by step

    def forward(
        self, projected: Tensor, weight_hh: Tensor, bias_hh: Tensor | None, sizes: list[int]
    ) -> tuple[Step, tuple[Tensor, ...]]:
        count, size = projected.shape[0], weight_hh.shape[1]
        gates, candidates = projected.new_empty(count, 2 * size), projected.new_empty(count, size)
        scaled = torch.empty_like(candidates)
        gate_x, candidate_x = (torch.split(part, sizes) for part in torch.split(projected, [2 * size, size], 1))
        reset, update = (torch.split(part, sizes) for part in gates.chunk(2, 1))
        gate, candidate, candidate_h = (
            torch.split(gates, sizes),
            torch.split(candidates, sizes),
            torch.split(scaled, sizes),
        )
        weight = weight_hh.t().contiguous()
        product = torch.mm if bias_hh is None else partial(torch.addmm, bias_hh)
        buffer = projected.new_empty(max(sizes, default=0), 3 * size)
        parts = {rows: (buffer[:rows], buffer[:rows, : 2 * size], buffer[:rows, 2 * size :]) for rows in set(sizes)}

        def step(t: int, before: State, after: State) -> None:
            recurrent, gate_h, fresh = parts[sizes[t]]
            product(before[0], weight, out=recurrent)
            torch.add(gate_x[t], gate_h, out=gate[t]).sigmoid_()
            candidate_h[t].copy_(fresh)
            torch.addcmul(candidate_x[t], reset[t], fresh, out=candidate[t]).tanh_()
            torch.lerp(candidate[t], before[0], update[t], out=after[0])

        return step, (gates, candidates, scaled)

    def backward(
        self, kept: tuple[Tensor, ...], before: State, after: State, weight_hh: Tensor, sizes: list[int]
    ) -> Back:
        gates, candidate, candidate_h = kept
        reset, update = gates.chunk(2, 1)
        taken = (1 - update) * (1 - candidate * candidate)  # slope of h' to the sum inside tanh
        slopes = gates.new_empty(gates.shape[0], 3, candidate.shape[1])
        torch.mul(taken * candidate_h, reset * (1 - reset), out=slopes[:, 0])
        torch.mul(before[0] - candidate, update * (1 - update), out=slopes[:, 1])
        torch.mul(taken, reset, out=slopes[:, 2])
        sums = slopes.flatten(1)
        slope, sum_, stays = torch.split(slopes, sizes), torch.split(sums, sizes), torch.split(update, sizes)

        def step(t: int, grad_after: State, grad_before: State) -> None:
            slope[t].mul_(grad_after[0][:, None])
            grad_before[0].addcmul_(grad_after[0], stays[t]).addmm_(sum_[t], weight_hh)

        def projected(grad_after: Tensor) -> Tensor:
            torch.mul(taken, grad_after, out=slopes[:, 2])  # r does not stand before W_in x
            return sums

        return Back(step, sums, projected)


class LSTMEquations(Equations):
    """Kept: the gates i f g o."""

    def forward(
        self, projected: Tensor, weight_hh: Tensor, bias_hh: Tensor | None, sizes: list[int]
    ) -> tuple[Step, tuple[Tensor, ...]]:
        size, sums, weight = weight_hh.shape[1], torch.split(projected, sizes), weight_hh.t().contiguous()
        input_forget = torch.split(projected[:, : 2 * size], sizes)
        input_, forget, candidate, output = (torch.split(part, sizes) for part in projected.chunk(4, 1))

        def step(t: int, before: State, after: State) -> None:
            sums[t].addmm_(before[0], weight)
            input_forget[t].sigmoid_()
            candidate[t].tanh_()
            output[t].sigmoid_()
            torch.mul(forget[t], before[1], out=after[1]).addcmul_(input_[t], candidate[t])
            torch.tanh(after[1], out=after[0]).mul_(output[t])

        return step, (projected,)

    def backward(
        self, kept: tuple[Tensor, ...], before: State, after: State, weight_hh: Tensor, sizes: list[int]
    ) -> Back:
        (gates,) = kept
        input_, forget, candidate, output = gates.chunk(4, 1)
        shown = after[1].tanh()
        slopes = gates.new_empty(gates.shape[0], 4, weight_hh.shape[1])
        torch.mul(candidate, input_ * (1 - input_), out=slopes[:, 0])
        torch.mul(before[1], forget * (1 - forget), out=slopes[:, 1])
        torch.mul(input_, 1 - candidate * candidate, out=slopes[:, 2])
        torch.mul(shown, output * (1 - output), out=slopes[:, 3])
        sums = slopes.flatten(1)
        of_cell, of_hidden = torch.split(slopes[:, :3], sizes), torch.split(slopes[:, 3], sizes)
        sum_, stays = torch.split(sums, sizes), torch.split(forget, sizes)
        from_hidden = torch.split(output * (1 - shown * shown), sizes)  # slope of h' to c'

        def step(t: int, grad_after: State, grad_before: State) -> None:
            grad_hidden, grad_cell = grad_after
            grad_cell.addcmul_(grad_hidden, from_hidden[t])
            of_cell[t].mul_(grad_cell[:, None])
            of_hidden[t].mul_(grad_hidden)
            grad_before[0].addmm_(sum_[t], weight_hh)
            grad_before[1].addcmul_(grad_cell, stays[t])

        return Back(step, sums, lambda _: sums)


EQUATIONS: dict[type[Cell], type[Equations]] = {
    ElmanCell: ElmanEquations,
    GRUCell: GRUEquations,
    LSTMCell: LSTMEquations,
}
