"""What every topology is: how inputs and outputs line up in time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, TypedDict

import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_fraction, check_range, fail, with_defaults
from elman.layers import LAYERS, Decoder, DecoderState, Recurrent, StackOptions, drop_out
from elman.types import State

MOST_UNITS, MOST_LAYERS = 1_000_000, 100  # what a configuration from a stranger may ask for


class _Size(TypedDict, total=False):
    cell: Annotated[str, "lstm"]
    hidden: Annotated[int, 128]
    layers: Annotated[int, 1]
    dropout: Annotated[float, 0.3]


class BodyOptions(_Size, StackOptions, total=False):
    """What every recurrent body takes, those of `elman.layers.StackOptions` included.

    Keys:
        cell: one of `elman.layers.LAYERS`: lstm, gru, mingru, rnn (tanh), rnn-relu, rnn-identity, and with layer
            normalization lstm-norm, gru-norm; or memoryless, a baseline that sees only the current step.
        hidden: hidden size of each layer and direction, 1 to 1,000,000.
        layers: depth, 1 to 100.
        dropout: below 1, the fraction that is set to zero between layers and before the head.
    """


class SingleBodyOptions(BodyOptions, total=False):
    """What the only body of a topology takes, those of `BodyOptions` included.

    Keys:
        initial_state, bptt: as in `elman.layers.RecurrentOptions`.
    """

    initial_state: Annotated[str, "zero"]
    bptt: Annotated[int | None, None]


class Encoded(NamedTuple):
    """The encoded inputs of a batch."""

    steps: Tensor | None = None  # (B, T, D), the sequences joined step by step
    lengths: Tensor | None = None  # (B,) real steps
    single: Tensor | None = None  # (B, C), the single values joined
    ahead: Tensor | None = None  # (B, horizon, K), future covariates, where they are read step by step


class Features(NamedTuple):
    """The inputs of the heads."""

    steps: Tensor | None = None  # (B, T, H)
    single: Tensor | None = None  # (B, H)
    state: State | None = None  # at each row's end, of a generated sequence
    lengths: Tensor | None = None  # (B,) real steps of the sequence that was read
    normalizations: Mapping[str, Tensor] = {}  # (B, 2) by target, see `layers.normalize.normalization_of`

    def single_for(self, target: str) -> Tensor:
        """The input of the head of a target with one answer per row, (B, H), with its normalization joined where it has
        one."""
        assert self.single is not None
        own = self.normalizations.get(target)
        return self.single if own is None else torch.cat([self.single, own], 1)


class Topology(nn.Module, ABC):
    """The part of a network between the encoders of its inputs and the heads of its targets.

    A subclass first takes the sizes of the encoders' outputs, D of `Encoded.steps` and C of `Encoded.single`, 0 for a
    missing one; then its options, keyword arguments that a configuration file may set in `[model]`.
    """

    name: ClassVar[str]
    lr: ClassVar[float] = 2e-3  # the peak learning rate where none is given
    without: ClassVar[frozenset[str]] = frozenset()  # options of its base class that it does not take
    output_size: int  # H, features for a head
    initial_state_description: str  # for people, such as "zero before each row"


class SequenceTopology(Topology):
    """A topology that answers the sequence it reads, at once."""

    @abstractmethod
    def forward(self, encoded: Encoded) -> Features:
        """The encoded inputs -> features for the heads."""


class AutoregressiveTopology(Topology):
    """A topology that generates its target symbol by symbol, each the input of the next step.

    A subclass takes a third size after the two of `Topology`: E, features of a symbol that is fed back.
    """

    scheduled_sampling: float  # 0 to 1, the fraction of fed-back symbols that the network generates itself in training
    dropout: float  # below 1, before the head
    decoder: Decoder

    @abstractmethod
    def begin(self, encoded: Encoded, rows: int) -> DecoderState:
        """The state of `rows` rows before the first symbol."""

    def teacher_forced(
        self, encoded: Encoded, fed: Tensor, lengths: Tensor | None, state: State | None = None
    ) -> Features:
        """All steps at once with the true symbols fed back: fed (B, T, E) with lengths (B,) -> features.

        Args:
            encoded: the encoded inputs.
            fed: the symbol before each step, as the field's encoder returns it.
            lengths: real steps; all if None.
            state: from which the rows continue, in place of the one from `begin`.
        """
        begun = self.begin(encoded, len(fed))
        if state is not None:
            begun = begun._replace(hidden=state)
        steps, after, _ = self.decoder(fed, begun, lengths)
        return Features(drop_out(steps, self.dropout, self.training), state=after.hidden)


def body_options(where: str, options: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a recurrent body: those given, and defaults for the rest.

    Args:
        where: the topology's name in messages.
        options: `BodyOptions` or a TypedDict that extends it.
        given: keyword arguments.

    Raises:
        ArgumentError: a size, rate or cell that a recurrent body cannot have.
        TypeError: an option that is not one of `options`.
    """
    body = with_defaults(where, options, given)
    check_choice("model", "cell", body["cell"], LAYERS)
    check_range("model", "hidden", body["hidden"], low=1, high=MOST_UNITS)
    check_range("model", "layers", body["layers"], low=1, high=MOST_LAYERS)
    check_fraction("model", "dropout", body["dropout"])
    return body


def make_body(input_size: int, body: Mapping[str, Any], **more: Any) -> Recurrent:
    """The recurrent layers of these options; `more` are further ones of theirs."""
    others = {name: value for name, value in body.items() if name not in ("cell", "hidden", "layers")}
    return LAYERS[body["cell"]](input_size, body["hidden"], body["layers"], **others, **more)


def check_state_is_read(cell: str, condition: str | None) -> None:
    """Fail where single values enter through the state alone, and the cell does not read it."""
    if cell == "memoryless" and condition == "state":
        fail("model", "condition", 'be another where cell = "memoryless", which reads no state', repr(condition))
