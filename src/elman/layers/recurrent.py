"""Recurrent layers: a cell over time, times depth, times direction, with lengths, resets and an initial state."""

from collections.abc import Iterator
from typing import Any, ClassVar, TypedDict, Unpack

import torch
from torch import Tensor, nn

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, MinGRUCell, check_state, state_names
from elman.checks import check_choice, check_range, check_shape, fail
from elman.layers import backends
from elman.layers.directions import borders, pick, turned
from elman.layers.stack import run_stack
from elman.layers.unroll import unroll_states
from elman.types import State

INITIAL_STATES = ("zero", "random", "learned")
RANDOM_STATE_DEVIATION = 0.1


class Options(TypedDict, total=False):
    """What every recurrent layer takes beside its sizes; see `Recurrent`."""

    bias: bool
    bidirectional: bool
    dropout: float
    initial_state: str
    backend: str


class Recurrent(nn.Module):
    """Layers of one kind of cell, stacked, in one or both directions.

    Parameters are named, shaped and ordered as torch's (`weight_ih_l0`, `weight_hh_l0_reverse`, ...), so that
    `load_state_dict` works both ways with torch.nn.RNN, LSTM and GRU.

    Args:
        input_size: D, features a step, at least 1.
        hidden_size: H, units a layer and direction, at least 1.
        num_layers: depth, at least 1; each layer reads the outputs of the one below it.
        bias: without it the b terms are left out.
        bidirectional: a second cell a layer reads each row from its true end; outputs are joined to 2H.
        dropout: 0 to 1, share of the outputs between two layers that training sets to zero.
        initial_state: what a sequence begins with where no state is given: "zero"; "random", drawn from
            N(0, 0.1^2) while training and zero in evaluation, so that answers never depend on chance (Zimmermann et al.
            2012); "learned", a parameter a layer and direction.
        backend: "auto" takes the fastest code that is exact for the request; see `layers.backends`.

    Shape:
        x (B, T, D) -> outputs (B, T, H), or (B, T, 2H) when bidirectional, zero after a row's end, and the state at
        each row's own end: the cell's NamedTuple of (B, N, H), N layers times directions in torch's order (torch has
        (N, B, H): `state.hidden.transpose(0, 1)`).

    Raises:
        ArgumentError: a size, share, name or shape that does not fit.
    """

    cell_type: ClassVar[type[Cell]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.0,
        initial_state: str = "zero",
        backend: str = "auto",
    ) -> None:
        super().__init__()
        where = type(self).__name__
        check_range(where, "num_layers", num_layers, low=1)
        check_range(where, "dropout", dropout, low=0, high=1)
        check_choice(where, "initial_state", initial_state, INITIAL_STATES)
        check_choice(where, "backend", backend, backends.CHOICES)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.bidirectional, self.dropout = bias, bidirectional, dropout
        self.initial_state, self.backend = initial_state, backend
        self._directions = (False, True) if bidirectional else (False,)  # backward?
        self.output_size = hidden_size * len(self._directions)
        # In a tuple, so that their parameters are registered once, here, under torch's names.
        self._cells = tuple(
            self.make_cell(self.output_size if layer else input_size)
            for layer in range(num_layers)
            for _ in self._directions
        )
        for cell, suffix in zip(self._cells, self._suffixes(), strict=True):
            for name, parameter in cell._parameters.items():
                self.register_parameter(name + suffix, parameter)
        if initial_state == "learned":
            for name in state_names(self.cell_type.state_type):
                self.register_parameter(f"initial_{name}", nn.Parameter(torch.zeros(len(self._cells), hidden_size)))

    def make_cell(self, input_size: int) -> Cell:
        """One fresh cell of this layer's kind and options."""
        return self.cell_type(input_size, self.hidden_size, self.bias)

    def cells(self) -> tuple[Cell, ...]:
        """The cells in torch's order, each reading the parameters that this layer holds at this moment.

        Looked up anew each time, for a parameter may have been replaced (`torch.func.functional_call`, `parametrize`).
        """
        for cell, suffix in zip(self._cells, self._suffixes(), strict=True):
            for name in cell._parameters:
                cell._parameters[name] = getattr(self, name + suffix)
        return self._cells

    def __getstate__(self) -> dict[str, Any]:
        self.cells()  # they may still hold what `functional_call` lent, which cannot be copied
        return dict(self.__dict__)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, see `Cell.reset_parameters`; a learned initial state goes back to zeros."""
        for cell in self.cells():
            cell.reset_parameters()
        if self.initial_state == "learned":
            for name in state_names(self.cell_type.state_type):
                nn.init.zeros_(getattr(self, f"initial_{name}"))

    def start_state(self, x: Tensor) -> State:
        """What the rows of x (B, T, D) begin with where no state is given, (B, N, H): see `initial_state`."""
        state_type, shape = self.cell_type.state_type, (x.shape[0], len(self._cells), self.hidden_size)
        names = state_names(state_type)
        if self.initial_state == "learned":
            return state_type(*(getattr(self, f"initial_{name}").expand(shape) for name in names))
        if self.initial_state == "random" and self.training:
            return state_type(*(RANDOM_STATE_DEVIATION * x.new_empty(shape).normal_() for _ in names))
        return state_type(*(x.new_zeros(shape) for _ in names))

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None, reset: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run the layers over a padded batch.

        Args:
            x: (B, T, D); what stands after a row's length is never read.
            state: before the first step, the cell's NamedTuple of (B, N, H); see `initial_state` if None. The backward
                cell's part is what it begins with at the row's true end.
            lengths: (B,) integers, real steps of each row, 0 to T; all T if None.
            reset: (B, T) booleans; True says that a new sequence begins at that step: the state restarts from the
                initial state before it. For the backward cell the same border is crossed from the other side.

        Returns: outputs and state, see the class.
        """
        self._check(x, state, lengths, reset)
        lengths = None if lengths is None else lengths.to(x.device, torch.long)
        start = self.start_state(x)
        return run_stack(
            self.cells(),
            len(self._directions),
            x,
            start if state is None else state,
            lengths,
            reset,
            start,
            self.dropout if self.training else 0.0,
            self.backend,
        )

    def states(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None, reset: Tensor | None = None
    ) -> State:
        """The state after every step, of every layer and direction: the cell's NamedTuple of (B, T, N, H).

        A row's state is frozen after its end. Dropout is not applied. The backward cells' states stand at the step that
        was just read. This takes the reference path: it is for looking, not for speed.
        """
        self._check(x, state, lengths, reset)
        lengths = None if lengths is None else lengths.to(x.device, torch.long)
        start = self.start_state(x)
        state = start if state is None else state
        cells = self.cells()
        found: list[State] = []
        for _ in range(self.num_layers):
            ways = []
            for backward in self._directions:
                at = len(found)
                before, fresh = pick(state, at), pick(start, at)
                if backward:
                    states = unroll_states(
                        cells[at], turned(x, lengths), before, lengths, borders(reset, lengths), fresh
                    )
                    states = type(states)(*(turned(tensor, lengths) for tensor in states))
                else:
                    states = unroll_states(cells[at], x, before, lengths, reset, fresh)
                ways.append(states[0])
                found.append(states)
            x = torch.cat(ways, -1)
        return self.cell_type.state_type(*(torch.stack(tensors, 2) for tensors in zip(*found, strict=True)))

    def _suffixes(self) -> Iterator[str]:
        for layer in range(self.num_layers):
            for backward in self._directions:
                yield f"_l{layer}{'_reverse' if backward else ''}"

    def _check(self, x: Tensor, state: State | None, lengths: Tensor | None, reset: Tensor | None) -> None:
        where = type(self).__name__
        check_shape(where, "x", x.shape, "B T D", D=self.input_size)
        rows, steps = x.shape[:2]
        if state is not None:
            sizes = {"B": rows, "N": len(self._cells), "H": self.hidden_size}
            check_state(where, state, self.cell_type.state_type, "B N H", **sizes)
            mixed = next((t for t in state if t.dtype != x.dtype or t.device != x.device), None)
            if mixed is not None and not torch.is_autocast_enabled(x.device.type):
                fail(where, "the state", f"be {x.dtype} on {x.device} as x is", f"{mixed.dtype} on {mixed.device}")
        if lengths is not None:
            check_lengths(where, lengths, rows, steps)
        if reset is not None:
            check_shape(where, "reset", reset.shape, "B T", B=rows, T=steps)
            if reset.dtype != torch.bool:
                fail(where, "reset", "be booleans", str(reset.dtype), "Pass reset=reset.bool().")

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"
        return f"{text}, bidirectional={self.bidirectional}, dropout={self.dropout}, backend={self.backend!r}"


def check_lengths(where: str, lengths: Tensor, rows: int, steps: int) -> None:
    """Fail unless these are real steps of so many rows, integers from 0 to `steps`."""
    if not isinstance(lengths, Tensor):
        fail(where, "lengths", "be a tensor", type(lengths).__name__, "Pass lengths=torch.tensor(...).")
    check_shape(where, "lengths", lengths.shape, "B", B=rows)
    if lengths.is_floating_point() or lengths.dtype == torch.bool:
        fail(where, "lengths", "be integers", str(lengths.dtype))
    # A compiled layer cannot branch on what a tensor holds, so there the values go unchecked.
    values_known = rows and not torch.compiler.is_compiling()
    if values_known and not 0 <= int(lengths.min()) <= int(lengths.max()) <= steps:
        bounds = f"lie between 0 and T = {steps}"
        fail(where, "lengths", bounds, f"{int(lengths.min())} to {int(lengths.max())}")


class RNN(Recurrent):
    """Layers of `ElmanCell`, as torch.nn.RNN; see `Recurrent` for what all layers share, shapes and errors too.

    Args:
        nonlinearity: "tanh", "relu" or "identity".
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Example:
        >>> rnn = RNN(3, 4, nonlinearity="relu")
        >>> outputs, state = rnn(torch.zeros(2, 5, 3), lengths=torch.tensor([5, 2]))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = ElmanCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: str = "tanh",
        init: str = "orthogonal",
        **options: Unpack[Options],
    ) -> None:
        self.nonlinearity, self.init = nonlinearity, init
        super().__init__(input_size, hidden_size, num_layers, **options)

    def make_cell(self, input_size: int) -> Cell:
        return ElmanCell(input_size, self.hidden_size, self.nonlinearity, self.bias, self.init)


class _Gated(Recurrent):
    """What LSTM and GRU share: cells that take `init`."""

    cell_type: ClassVar[type[LSTMCell | GRUCell]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        init: str = "orthogonal",
        **options: Unpack[Options],
    ) -> None:
        self.init = init
        super().__init__(input_size, hidden_size, num_layers, **options)

    def make_cell(self, input_size: int) -> Cell:
        return self.cell_type(input_size, self.hidden_size, self.bias, self.init)


class LSTM(_Gated):
    """Layers of `LSTMCell`, as torch.nn.LSTM; see `Recurrent` for what all layers share, shapes and errors too.

    Args:
        init: "orthogonal" (forget bias 1) or "torch", see `Cell.reset_parameters`.

    Example:
        >>> lstm = LSTM(3, 4, num_layers=2, bidirectional=True)
        >>> outputs, state = lstm(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.cell.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 4, 4]))
    """

    cell_type = LSTMCell


class GRU(_Gated):
    """Layers of `GRUCell`, as torch.nn.GRU; see `Recurrent` for what all layers share, shapes and errors too.

    Args:
        init: "orthogonal" or "torch", see `Cell.reset_parameters`.

    Example:
        >>> gru = GRU(3, 4, bidirectional=True)
        >>> outputs, state = gru(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 2, 4]))
    """

    cell_type = GRUCell


class MinGRU(Recurrent):
    """Layers of `MinGRUCell`, all steps at once; see `Recurrent` for what all layers share, shapes and errors too.

    Example:
        >>> gru = MinGRU(3, 4)
        >>> outputs, state = gru(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = MinGRUCell
