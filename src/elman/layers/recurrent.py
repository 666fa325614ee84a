"""Recurrent layers: a cell over time, times depth, times direction, with lengths, resets and an initial state."""

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, Unpack

import torch
from torch import Tensor, nn

from elman.cells import Cell, ElmanCell, GRUCell, LSTMCell, MinGRUCell, state_names
from elman.checks import check_choice, check_range, fail, with_defaults
from elman.layers.backends import CHOICES
from elman.layers.directions import LayerFunction, borders, pick, turned
from elman.layers.low_memory import MEMORIES, low_memory
from elman.layers.noise import Noise
from elman.layers.options import RecurrentOptions
from elman.layers.request import Sizes, check_request
from elman.layers.stack import run_stack
from elman.layers.truncated import truncated, truncated_final
from elman.layers.unroll import unroll_states
from elman.types import State

INITIAL_STATES = ("zero", "random", "learned")
INITIAL_STANDARD_DEVIATION = 0.1
NO_NOISE = Noise()


class Recurrent(nn.Module):
    """Layers of one kind of cell, stacked, in one or both directions.

    Parameters are named, shaped and ordered as torch's (`weight_ih_l0`, `weight_hh_l0_reverse`, ...), so that
    `load_state_dict` works both ways with torch.nn.RNN, LSTM and GRU.

    Args:
        input_size: D, features per step, at least 1.
        hidden_size: H, of each layer and direction, at least 1.
        num_layers: depth, at least 1; each layer reads the outputs of the one below it.
        options: of `elman.layers.RecurrentOptions`, where each is explained.

    Shape:
        x (B, T, D) -> outputs (B, T, H), or (B, T, 2H) when bidirectional, zero after a row's end, and the state at
        each row's own end: the cell's NamedTuple of (B, N, H), N layers times directions in torch's order (torch has
        (N, B, H): `state.hidden.transpose(0, 1)`).

    Raises:
        ArgumentError: a size, rate, name or shape that does not fit.
    """

    cell_type: ClassVar[type[Cell]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__()
        where = type(self).__name__
        given = with_defaults(where, RecurrentOptions, options)
        check_range(where, "num_layers", num_layers, low=1)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.bidirectional = given["bias"], given["bidirectional"]
        self.dropout, self.locked = given["dropout"], given["locked"]
        self.recurrent_dropout, self.weight_drop = given["recurrent_dropout"], given["weight_drop"]
        self.zoneout, self.initial_state = given["zoneout"], given["initial_state"]
        self.backend, self.memory, self.bptt = given["backend"], given["memory"], given["bptt"]
        self._check_options()
        self._directions = (False, True) if self.bidirectional else (False,)  # backward?
        self.output_size = hidden_size * len(self._directions)
        # In a tuple, so that their parameters are registered once, here, under torch's names.
        self._cells = tuple(
            self.make_cell(self.output_size if layer else input_size)
            for layer in range(num_layers)
            for _ in self._directions
        )
        self._sizes = Sizes(where, input_size, len(self._cells), hidden_size, self.cell_type.state_type)
        # Of each cell: its own name of a parameter -> torch's name of it.
        self._names = tuple(
            {name: name + suffix for name in cell.weights()}
            for cell, suffix in zip(self._cells, self._suffixes(), strict=True)
        )
        for cell, names in zip(self._cells, self._names, strict=True):
            for name, parameter in cell.weights().items():
                self.register_parameter(names[name], parameter)
        if self.initial_state == "learned":
            for name in state_names(self.cell_type.state_type):
                self.register_parameter(f"initial_{name}", nn.Parameter(torch.zeros(len(self._cells), hidden_size)))

    def _check_options(self) -> None:
        where, bptt = type(self).__name__, self.bptt
        self._noise_options().check(where, self.cell_type, self.num_layers)
        check_choice(where, "initial_state", self.initial_state, INITIAL_STATES)
        check_choice(where, "backend", self.backend, CHOICES)
        check_choice(where, "memory", self.memory, MEMORIES)
        check_range(where, "bptt", 1 if bptt is None else bptt, low=1)
        if self.bidirectional and bptt is not None:
            fail(where, "bptt", "be None in two directions", str(bptt), "Use memory='low', which cuts no gradient.")

    def make_cell(self, input_size: int) -> Cell:
        """One fresh cell of this layer's kind and options."""
        return self.cell_type(input_size, self.hidden_size, self.bias)

    def cells(self) -> tuple[Cell, ...]:
        """The cells in torch's order, each reading the parameters that this layer holds at this moment.

        Looked up each time, because a parameter may have been replaced (`torch.func.functional_call`, `parametrize`).
        """
        for cell, names in zip(self._cells, self._names, strict=True):
            cell.set_weights({name: getattr(self, own) for name, own in names.items()})
        return self._cells

    def __getstate__(self) -> dict[str, Any]:
        self.cells()  # they may still hold tensors of `functional_call`, which cannot be copied
        return dict(self.__dict__)

    def reset_parameters(self) -> None:
        """Draw all parameters again, see `Cell.reset_parameters`; a learned initial state becomes zero."""
        for cell in self.cells():
            cell.reset_parameters()
        if self.initial_state == "learned":
            for name in state_names(self.cell_type.state_type):
                nn.init.zeros_(getattr(self, f"initial_{name}"))

    def start_state(self, x: Tensor) -> State:
        """The state of the rows of x (B, T, D) where none is given, (B, N, H): see `initial_state`."""
        state_type, shape = self.cell_type.state_type, (x.shape[0], len(self._cells), self.hidden_size)
        names = state_names(state_type)
        if self.initial_state == "learned":
            return state_type(*(getattr(self, f"initial_{name}").expand(shape) for name in names))
        if self.initial_state == "random" and self.training:
            return state_type(*(INITIAL_STANDARD_DEVIATION * x.new_empty(shape).normal_() for _ in names))
        return state_type(*(x.new_zeros(shape) for _ in names))

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None, reset: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run the layers over a padded batch.

        Args:
            x: (B, T, D); values after a row's length are never read.
            state: before the first step, the cell's NamedTuple of (B, N, H); see `initial_state` if None. The part of
                a backward cell is its state at the row's true end.
            lengths: (B,) integers, real steps of each row, 0 to T; all T if None.
            reset: (B, T) booleans; True where a new sequence begins: the state restarts from the initial state before
                that step. The backward cell restarts at the same border, from the other side.

        Returns: outputs and state, see the class.
        """
        noise = self.noise()
        request = self._request(x, state, lengths, reset, noise)
        bptt, run = self._bptt(), self._run_stack(x, noise)
        if bptt is not None:
            run = partial(truncated, run, bptt)
        return low_memory(run, *request, bptt=bptt) if self.memory == "low" else run(*request)

    def final_state(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None, reset: Tensor | None = None
    ) -> State:
        """The state at each row's own end, as `forward` returns it, where the outputs are not needed.

        With memory="low" the outputs are not kept either; with `bptt` only the chunk of each row's end is recorded.

        Args: as `forward`.
        """
        noise = self.noise()
        request = self._request(x, state, lengths, reset, noise)
        bptt, run = self._bptt(), self._run_stack(x, noise)
        if bptt is not None:
            return truncated_final(run, bptt, *request)
        if self.memory == "low":
            return low_memory(run, *request, keep_outputs=False)[1]
        return run(*request)[1]

    def _request(
        self, x: Tensor, state: State | None, lengths: Tensor | None, reset: Tensor | None, noise: Noise = NO_NOISE
    ) -> tuple[Any, ...]:
        """What `run_stack` takes first: cells, directions, x, state, lengths, reset and start."""
        check_request(self._sizes, x, state, lengths, reset)
        lengths = None if lengths is None else lengths.to(x.device, torch.long)
        start = self.start_state(x)
        cells = noise.applied_to(self.cells(), x)
        return cells, len(self._directions), x, start if state is None else state, lengths, reset, start

    def _run_stack(self, x: Tensor, noise: Noise) -> LayerFunction:
        locks = noise.locks(x, self.num_layers - 1, self.output_size)
        return partial(run_stack, dropout=noise.dropout, backend=self.backend, locks=locks)

    def _bptt(self) -> int | None:
        """The option `bptt` where it has an effect: in training, with gradients."""
        return self.bptt if self.training and torch.is_grad_enabled() else None

    def states(
        self, x: Tensor, state: State | None = None, lengths: Tensor | None = None, reset: Tensor | None = None
    ) -> State:
        """The state after every step, of every layer and direction: the cell's NamedTuple of (B, T, N, H).

        A row's state is frozen after its end. No noise is applied. A backward cell's state is at the step that it has
        just read. This uses the reference: it is for inspection, not for speed.
        """
        cells, _, x, state, lengths, reset, start = self._request(x, state, lengths, reset)
        found: list[State] = []
        for _ in range(self.num_layers):
            joined = []
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
                joined.append(states[0])
                found.append(states)
            x = torch.cat(joined, -1)
        return self.cell_type.state_type(*(torch.stack(tensors, 2) for tensors in zip(*found, strict=True)))

    def noise(self) -> Noise:
        """The noise of a call of `forward`: in training that of the options, in evaluation none."""
        return self._noise_options() if self.training else NO_NOISE

    def _noise_options(self) -> Noise:
        return Noise(self.dropout, self.locked, self.recurrent_dropout, self.weight_drop, self.zoneout)

    def _suffixes(self) -> Iterator[str]:
        for layer in range(self.num_layers):
            for backward in self._directions:
                yield f"_l{layer}{'_reverse' if backward else ''}"

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"
        noise = "".join(f", {name}={rate}" for name, rate in self._noise_options()._asdict().items() if rate)
        return f"{text}, bidirectional={self.bidirectional}{noise}, backend={self.backend!r}"


class RNN(Recurrent):
    """Layers of `ElmanCell`, as torch.nn.RNN; see `Recurrent` for options, shapes and errors.

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
        **options: Unpack[RecurrentOptions],
    ) -> None:
        self.nonlinearity, self.init = nonlinearity, init
        super().__init__(input_size, hidden_size, num_layers, **options)

    def make_cell(self, input_size: int) -> Cell:
        return ElmanCell(input_size, self.hidden_size, self.nonlinearity, self.bias, self.init)


class Gated(Recurrent):
    """Layers whose cells take `init`."""

    cell_type: ClassVar[type[LSTMCell | GRUCell]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        init: str = "orthogonal",
        **options: Unpack[RecurrentOptions],
    ) -> None:
        self.init = init
        super().__init__(input_size, hidden_size, num_layers, **options)

    def make_cell(self, input_size: int) -> Cell:
        return self.cell_type(input_size, self.hidden_size, self.bias, self.init)


class LSTM(Gated):
    """Layers of `LSTMCell`, as torch.nn.LSTM; see `Recurrent` for options, shapes and errors.

    Args:
        init: "orthogonal" (forget bias 1) or "torch", see `Cell.reset_parameters`.

    Example:
        >>> lstm = LSTM(3, 4, num_layers=2, bidirectional=True)
        >>> outputs, state = lstm(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.cell.shape
        (torch.Size([2, 5, 8]), torch.Size([2, 4, 4]))
    """

    cell_type = LSTMCell


class GRU(Gated):
    """Layers of `GRUCell`, as torch.nn.GRU; see `Recurrent` for options, shapes and errors.

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
    """Layers of `MinGRUCell`, computed by a parallel scan; see `Recurrent` for options, shapes and errors.

    Example:
        >>> gru = MinGRU(3, 4)
        >>> outputs, state = gru(torch.zeros(2, 5, 3))
        >>> outputs.shape, state.hidden.shape
        (torch.Size([2, 5, 4]), torch.Size([2, 1, 4]))
    """

    cell_type = MinGRUCell
