"""What every topology is: how inputs and outputs line up in time."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, TypedDict

import torch
from torch import Tensor, nn

from elman.checks import check_choice, check_range, check_share, fail, with_defaults
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
            normalisation lstm-norm, gru-norm; or memoryless, a baseline that sees only the current step.
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
    """What the encoders made of the inputs of a batch."""

    steps: Tensor | None = None  # (B, T, D), the sequences joined step by step
    lengths: Tensor | None = None  # (B,) real steps
    single: Tensor | None = None  # (B, C), the single values joined
    ahead: Tensor | None = None  # (B, horizon, K), what is known of each step ahead, where it is read step by step


class Features(NamedTuple):
    """What the heads get."""

    steps: Tensor | None = None  # (B, T, H)
    single: Tensor | None = None  # (B, H)
    state: State | None = None  # at each row's end, of what is written
    lengths: Tensor | None = None  # (B,) real steps of what was read
    levels: Mapping[str, Tensor] = {}  # (B, 2) by target, see `elman.layers.level.level_of`

    def single_for(self, target: str) -> Tensor:
        """What the head of a target with one answer a row gets, (B, H), its level at the end where it has one."""
        assert self.single is not None
        return torch.cat([self.single, self.levels[target]], 1) if target in self.levels else self.single


class Topology(nn.Module, ABC):
    """The part of a network between the encoders of its inputs and the heads of its targets.

    A subclass takes the sizes of what the encoders give first, D of `Encoded.steps` and C of `Encoded.single`, 0 for
    what is not there; and its own options after, each a plain argument that a configuration file may set in `[model]`.
    """

    name: ClassVar[str]
    lr: ClassVar[float] = 2e-3  # the peak learning rate where none is given
    without: ClassVar[frozenset[str]] = frozenset()  # options of the class it is made from that it would not heed
    output_size: int  # H, features that a head gets
    begins: str  # what the state of a sequence begins with, in words


class Reader(Topology):
    """A topology that answers what it read."""

    @abstractmethod
    def forward(self, encoded: Encoded) -> Features:
        """The encoded inputs -> features for the heads."""


class Writer(Topology):
    """A topology that writes its target symbol by symbol, each the input of the next step.

    A subclass takes a third size after the two of `Topology`: E, numbers of a symbol that is fed back.
    """

    scheduled_sampling: float  # 0 to 1, share of the symbols that training feeds back as the network would write them
    dropout: float  # below 1, before the head
    decoder: Decoder

    @abstractmethod
    def begin(self, encoded: Encoded, rows: int) -> DecoderState:
        """The state of so many rows before the first symbol."""

    def taught(self, encoded: Encoded, fed: Tensor, lengths: Tensor | None, state: State | None = None) -> Features:
        """All steps at once, where what is fed back is known: fed (B, T, E) with lengths (B,) -> features.

        Args:
            encoded: what was read.
            fed: the symbol before each step, as the field's encoder gives it.
            lengths: real steps; all if None.
            state: that the rows go on with, in place of the one that `begin` gives.
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
    check_share("model", "dropout", body["dropout"])
    return body


def make_body(input_size: int, body: Mapping[str, Any], **more: Any) -> Recurrent:
    """The recurrent layers of these options; `more` are further ones of theirs."""
    others = {name: value for name, value in body.items() if name not in ("cell", "hidden", "layers")}
    return LAYERS[body["cell"]](input_size, body["hidden"], body["layers"], **others, **more)


def check_state_is_read(cell: str, condition: str | None) -> None:
    """Fail where single values come in by the state alone, and the cell reads none."""
    if cell == "memoryless" and condition == "state":
        fail("model", "condition", 'be another where cell = "memoryless", which reads no state', repr(condition))
