"""The decoder: a recurrent body fed with its own outputs, with attention to a memory, run whole or step by step."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Self, Unpack

import torch
from torch import Tensor, nn

from elman.cells import Cell, check_state
from elman.checks import check_choice, check_range, check_shape, fail
from elman.layers.attention import ATTENTIONS, Memory
from elman.layers.backends.fused import fused_refuses
from elman.layers.directions import pick
from elman.layers.dropout import drop_out
from elman.layers.native import projection
from elman.layers.options import RecurrentOptions
from elman.layers.request import check_lengths
from elman.layers.stepper import Stepper
from elman.layers.table import LAYERS
from elman.layers.unroll import real_steps
from elman.types import State

# One step of a decoder's body: (x (B, D), state (B, N, H)) -> (output (B, H), state after it).
Step = Callable[[Tensor, State], tuple[Tensor, State]]
Map = Callable[[Tensor], Tensor]


class AttentionMaps(NamedTuple):
    """The linear maps before and after attention: to the query, and to the features before their tanh."""

    query: Map
    join: Map


class DecoderSteps(NamedTuple):
    """The functions that compute a decoder's steps."""

    run: Step
    maps: AttentionMaps | None  # None without attention


class DecoderState(NamedTuple):
    """The state of a decoder between steps; rows come first in every tensor."""

    hidden: State  # of the body, (B, N, H) each
    fed: Tensor | None  # (B, H), the attentional vector of the step before, with input feeding
    context: Tensor | None  # (B, C), an input of every step
    memory: Memory | None  # what attention reads

    def select(self, rows: Tensor) -> Self:
        """The state of these rows, (M,) integers, in this order; a row may occur several times."""
        hidden = type(self.hidden)(*(tensor.index_select(0, rows) for tensor in self.hidden))
        fed, context = (None if tensor is None else tensor.index_select(0, rows) for tensor in (self.fed, self.context))
        return type(self)(hidden, fed, context, None if self.memory is None else self.memory.select(rows))


class Decoder(nn.Module):
    """A recurrent body of one direction with a context beside its input, and attention to a memory:

        x_t = [input_t; context; fed_{t-1}]
        h_t, state_t = body(x_t, state_{t-1})
        c_t, weights_t = attention(h_t, memory)
        feature_t = tanh(W [c_t; h_t])
        fed_t = feature_t

    Without attention feature_t = h_t. Attention follows the step, as in Luong, Pham & Manning 2015 (arXiv 1508.04025),
    whichever score it has; Bahdanau et al. 2014 have it before. Without input feeding no step depends on the
    attention of another, so that the body runs over the whole sequence, and attention over all steps, at once; with it
    training runs step by step, several times slower.

    Args:
        input_size: E, features of a symbol that is fed back, at least 1.
        hidden: H, hidden size of each layer, at least 1.
        layers: depth, at least 1.
        cell: a name of `elman.layers.LAYERS`.
        context_size: C, length of a vector that is an input of every step; 0: none.
        memory_size: D, features per step of the memory; 0: none, and then no attention.
        attention: "none", "additive" or "dot", over the memory, with queries and keys of H numbers.
        input_feeding: join the attentional vector of a step to the input of the next.
        options: of `elman.layers.RecurrentOptions`, except `bidirectional`; with input feeding, where the steps are
            taken one by one, also except `memory`, `bptt` and `backend`.

    Dropout acts between layers; dropout of the features is left to the caller. Noise is drawn once for each call of
    `forward`, and once for each single step.

    Shape: see `forward`.

    Raises:
        ArgumentError: a size, rate, name or shape that does not fit.

    Example:
        >>> decoder = Decoder(3, 4, cell="gru", memory_size=5, attention="dot")
        >>> state = decoder.start(2, memory=torch.zeros(2, 7, 5), lengths=torch.tensor([7, 2]))
        >>> features, state, weights = decoder(torch.zeros(2, 6, 3), state)
        >>> features.shape, weights.shape
        (torch.Size([2, 6, 4]), torch.Size([2, 6, 7]))
        >>> feature, state, weight = decoder.step(torch.zeros(2, 3), state)
        >>> feature.shape, weight.shape
        (torch.Size([2, 4]), torch.Size([2, 7]))
    """

    def __init__(
        self,
        input_size: int,
        hidden: int,
        layers: int = 1,
        *,
        cell: str = "lstm",
        context_size: int = 0,
        memory_size: int = 0,
        attention: str = "none",
        input_feeding: bool = False,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        super().__init__()
        check_choice("Decoder", "cell", cell, LAYERS)
        check_choice("Decoder", "attention", attention, ("none", *ATTENTIONS))
        check_range("Decoder", "input_size", input_size, low=1)
        check_range("Decoder", "context_size", context_size, low=0)
        check_range("Decoder", "memory_size", memory_size, low=0)
        _check_options(attention, memory_size, input_feeding, options)
        width = input_size + context_size + (hidden if input_feeding else 0)
        self.body = LAYERS[cell](width, hidden, layers, **options)
        self.attention = None if attention == "none" else ATTENTIONS[attention](hidden, memory_size, hidden)
        self.join = None if self.attention is None else nn.Linear(memory_size + hidden, hidden, bias=False)
        self.input_size, self.context_size, self.memory_size = input_size, context_size, memory_size
        self.input_feeding, self.output_size = input_feeding, hidden

    def start(
        self,
        rows: int,
        hidden: State | None = None,
        context: Tensor | None = None,
        memory: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> DecoderState:
        """The state before the first step.

        Args:
            rows: B.
            hidden: of the body, (B, N, H) each, such as a `Bridge` returns; if None that of `initial_state`.
            context: (B, C), required if and only if there is a `context_size`.
            memory: (B, S, D), required if and only if there is attention; padding is never read.
            lengths: (B,) real steps of the memory, 0 to S; all S if None.
        """
        weight = next(self.body.parameters())
        if hidden is None:
            hidden = self.body.start_state(weight.new_zeros(rows, 0, self.body.input_size))
        else:
            sizes = {"B": rows, "N": self.body.num_layers, "H": self.output_size}
            check_state("Decoder", hidden, self.body.cell_type.state_type, "B N H", **sizes)
        for name, given, size in (("context", context, self.context_size), ("memory", memory, self.memory_size)):
            if (given is None) == bool(size):
                got = "None" if given is None else "a tensor"
                fail("Decoder", name, f"be given if and only if {name}_size is not 0", f"{got}, {name}_size={size}")
        if context is not None:
            check_shape("Decoder", "context", context.shape, "B C", B=rows, C=self.context_size)
        fed = weight.new_zeros(rows, self.output_size) if self.input_feeding else None
        if memory is None or self.attention is None:
            return DecoderState(hidden, fed, context, None)
        check_shape("Decoder", "memory", memory.shape, "B S D", B=rows)
        if lengths is None:
            lengths = torch.full((rows,), memory.shape[1], device=memory.device)
        return DecoderState(hidden, fed, context, self.attention.remember(memory, lengths))

    def forward(
        self, inputs: Tensor, state: DecoderState, lengths: Tensor | None = None
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """Run over a padded batch of inputs, as in teacher forcing.

        Args:
            inputs: (B, T, E); values after a row's length are never read.
            state: before the first step, from `start` or from an earlier call.
            lengths: (B,) integers, real steps of each row, 0 to T; all T if None.

        Returns: features (B, T, H) and the weights of attention (B, T, S), or None without it, both zero after a row's
            end, and the state at each row's own end.
        """
        rows = state.hidden[0].shape[0]
        check_shape("Decoder", "inputs", inputs.shape, "B T E", B=rows, E=self.input_size)
        if lengths is not None:
            check_lengths("Decoder", lengths, *inputs.shape[:2])
            lengths = lengths.to(inputs.device)
        if state.context is not None:
            inputs = torch.cat([inputs, state.context[:, None].expand(-1, inputs.shape[1], -1)], -1)
        if state.fed is not None:
            return self._feed(inputs, state, lengths)
        outputs, hidden = self.body(inputs, state.hidden, lengths)
        features, weights = self._attend(outputs, state.memory, self._attention_maps())
        if lengths is not None and weights is not None:
            padding = ~real_steps(lengths, inputs.shape[1])[..., None]
            features, weights = features.masked_fill(padding, 0), weights.masked_fill(padding, 0)
        return features, state._replace(hidden=hidden), weights

    def step(
        self, inputs: Tensor, state: DecoderState, steps: DecoderSteps | None = None
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """One step: inputs (B, E) and the state before it -> features (B, H), the state after it, weights (B, S).

        Args:
            inputs: (B, E).
            state: before the step.
            steps: the result of `packed`, for many steps with the same weights.
        """
        check_shape("Decoder", "inputs", inputs.shape, "B E", B=state.hidden[0].shape[0], E=self.input_size)
        if state.context is not None:
            inputs = torch.cat([inputs, state.context], -1)
        return self._step(inputs, state, self._noisy(inputs) if steps is None else steps)

    def packed(self) -> DecoderSteps:
        """Fast steps with the current weights, without gradients or noise.

        They hold no state. Where there is a kernel for the body, its weights (`elman.layers.Stepper`) and those before
        and after attention are packed once, which pays for itself after some steps.
        """
        cells, maps = self.body.cells(), self._attention_maps()
        if fused_refuses(cells[0], next(self.body.parameters()), None) is not None:
            return DecoderSteps(partial(_step_cells, cells, [], 0.0), maps)
        if maps is not None:
            maps = AttentionMaps(_packed(maps.query), _packed(maps.join))
        return DecoderSteps(partial(_step_packed, Stepper(self.body)), maps)

    def _attention_maps(self) -> AttentionMaps | None:
        return None if self.attention is None or self.join is None else AttentionMaps(self.attention.query, self.join)

    def _noisy(self, x: Tensor) -> DecoderSteps:
        """DecoderSteps for the rows of x, with the same noise for all of them."""
        noise = self.body.noise()
        locks = noise.locks(x, self.body.num_layers - 1, self.output_size)
        return DecoderSteps(
            partial(_step_cells, noise.applied_to(self.body.cells(), x), locks, noise.dropout), self._attention_maps()
        )

    def _step(self, x: Tensor, state: DecoderState, steps: DecoderSteps) -> tuple[Tensor, DecoderState, Tensor | None]:
        """A step from the joined input and context."""
        if state.fed is not None:
            x = torch.cat([x, state.fed], -1)
        output, hidden = steps.run(x, state.hidden)
        features, weights = self._attend(output[:, None], state.memory, steps.maps)
        features = features[:, 0]
        fed = None if state.fed is None else features
        return features, state._replace(hidden=hidden, fed=fed), None if weights is None else weights[:, 0]

    def _attend(
        self, outputs: Tensor, memory: Memory | None, maps: AttentionMaps | None
    ) -> tuple[Tensor, Tensor | None]:
        """Outputs of the body (B, T, H) -> features (B, T, H), weights (B, T, S)."""
        if self.attention is None or maps is None:
            return outputs, None
        assert memory is not None  # `start` guarantees it
        context, weights = self.attention.read(maps.query(outputs), memory)
        return torch.tanh(maps.join(torch.cat([context, outputs], -1))), weights

    def _feed(
        self, x: Tensor, state: DecoderState, lengths: Tensor | None
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """`forward` step by step, from inputs and context, joined, (B, T, E + C)."""
        memory = state.memory
        assert memory is not None  # input feeding requires attention
        rows, steps = x.shape[:2]
        real = None if lengths is None else real_steps(lengths, steps)
        if real is not None:
            x = x.masked_fill(~real[..., None], 0)
        by = self._noisy(x[:, :0].flatten(1))
        features, weights = [], []
        for t, inputs in enumerate(x.unbind(1)):
            feature, after, weight = self._step(inputs, state, by)
            assert weight is not None
            if real is not None:
                after = _where(real[:, t], after, state)
                feature, weight = feature * real[:, t, None], weight * real[:, t, None]
            features.append(feature)
            weights.append(weight)
            state = after
        if not steps:
            return x.new_zeros(rows, 0, self.output_size), state, x.new_zeros(rows, 0, memory.real.shape[1])
        return torch.stack(features, 1), state, torch.stack(weights, 1)


def _step_cells(
    cells: Sequence[Cell], locks: Sequence[Tensor], dropout: float, x: Tensor, state: State
) -> tuple[Tensor, State]:
    """A step of a stack by its own cells, x (B, D), state (B, N, H); locks as in `run_stack`."""
    after: list[State] = []
    for at, cell in enumerate(cells):
        if at:
            x = x * locks[at - 1][:, 0] if locks else drop_out(x, dropout, dropout > 0)
        x, own = cell.step(cell.project(x), pick(state, at))
        after.append(own)
    return x, type(state)(*(torch.stack(tensors, 1) for tensors in zip(*after, strict=True)))


def _packed(linear: Map) -> Map:
    """A linear map with packed weights, if there is a kernel for it; a user's own module is left as it is."""
    return (projection.packed(linear.weight, linear.bias) if type(linear) is nn.Linear else None) or linear


def _where(rows: Tensor, yes: DecoderState, no: DecoderState) -> DecoderState:
    """For each row (B,) one state or the other, which have the same context and memory."""
    hidden = type(yes.hidden)(
        *(torch.where(rows[:, None, None], a, b) for a, b in zip(yes.hidden, no.hidden, strict=True))
    )
    assert yes.fed is not None
    assert no.fed is not None
    return yes._replace(hidden=hidden, fed=torch.where(rows[:, None], yes.fed, no.fed))


def _step_packed(stepper: Stepper, x: Tensor, state: State) -> tuple[Tensor, State]:
    outputs, after = stepper.run(x[:, None], state)
    return outputs[:, 0], after


def _check_options(attention: str, memory_size: int, input_feeding: bool, options: RecurrentOptions) -> None:
    if options.get("bidirectional"):
        fail(
            "Decoder",
            "bidirectional",
            "be False",
            "True",
            "A decoder cannot read outputs that it has not generated yet.",
        )
    if (attention == "none") != (memory_size == 0):
        got = f"attention={attention!r}, memory_size={memory_size}"
        fail("Decoder", "attention", "go with a memory", got, "Give both, or neither.")
    if not input_feeding:
        return
    if attention == "none":
        fail("Decoder", "input_feeding", "go with attention", "attention='none'", "Use attention='dot'.")
    for name, silent in (("memory", "full"), ("bptt", None), ("backend", "auto")):
        value = options.get(name, silent)
        if value != silent:
            fail("Decoder", name, f"be {silent!r} with input_feeding", repr(value), "Leave out one of the two.")
