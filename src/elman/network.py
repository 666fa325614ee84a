"""A whole network: the inputs' encoders, the topology, the targets' heads. A batch in, features and losses out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from elman.data import Batch
from elman.fields import Field, Fields, Forecast, Frames, Known, Steps, Symbols, Target, Writable
from elman.layers import real_steps
from elman.layers.level import level_of, take_off
from elman.topologies import (
    TOPOLOGIES,
    AutoregressiveTopology,
    Encoded,
    EncoderDecoderAhead,
    Features,
    NextStep,
    SequenceTopology,
    Topology,
)
from elman.types import Column, Json, State


class Carried(NamedTuple):
    """What a row of a stream hands on to the batch after it."""

    step: Tensor  # (B, ...) the last one, which is the first input there
    state: State  # (B, N, H)

    def tensors(self) -> dict[str, Tensor]:
        """By name, for a file."""
        return {"step": self.step, **{f"state.{index}": tensor for index, tensor in enumerate(self.state)}}

    def part(self, rows: slice) -> "Carried":
        """These rows."""
        return Carried(self.step[rows], type(self.state)(*(tensor[rows] for tensor in self.state)))


class Network(nn.Module):
    """Fields joined by a topology.

    Args:
        fields: the fitted fields that are read, and those that are answered.
        topology: a name of `elman.topologies.TOPOLOGIES`.
        options: the topology's own options, see its class.
    """

    topology: Topology

    def __init__(self, fields: Fields, topology: str, options: Json) -> None:
        super().__init__()
        self.fields, kind = fields, TOPOLOGIES[topology]
        self.encoders = nn.ModuleList(field.encoder() for field in fields.inputs.values())
        sizes = [0, 0, 0]  # of steps, of single values, of what is known of steps ahead
        for field, encoder in zip(fields.inputs.values(), self.encoders, strict=True):
            sizes[_side(field)] += int(encoder.output_size)  # type: ignore[arg-type]
        self.feedback = self.written.encoder() if issubclass(kind, AutoregressiveTopology) else None
        *own, ahead = sizes
        if self.feedback is not None:
            own.append(int(self.feedback.output_size))  # type: ignore[arg-type]
        if issubclass(kind, EncoderDecoderAhead):
            own += [ahead, next(field.horizon for field in fields.targets.values() if isinstance(field, Forecast))]
        self.topology = kind(*own, **options)
        self.heads = nn.ModuleList(field.head(self.topology.output_size) for field in fields.targets.values())
        if self.feedback is not None:
            self.written.tie(self.heads[0], self.feedback)

    def take_state(self, state: Mapping[str, Tensor], assign: bool = False) -> None:
        """Load what `own_state` gave; `assign` as in torch's `load_state_dict`."""
        first = {id(parameter): name for name, parameter in self.named_parameters()}
        names = {name: first[id(parameter)] for name, parameter in self.named_parameters(remove_duplicate=False)}
        self.load_state_dict({**state, **{name: state[names[name]] for name in names}}, assign=assign)
        if assign and self.feedback is not None:
            self.written.tie(self.heads[0], self.feedback)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU for a network without weights."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def lr(self) -> float:
        """The peak learning rate where none is given: the topology's, or a lower one that an encoder has."""
        return min(
            self.topology.lr, *(float(getattr(encoder, "lr", 1.0)) for encoder in (*self.encoders, self.feedback))
        )

    @property
    def written(self) -> Writable:
        """The target that is written step by step."""
        (field,) = self.fields.targets.values()
        assert isinstance(field, Writable)
        return field

    @property
    def symbols(self) -> Symbols:
        """The target that is written symbol by symbol."""
        assert isinstance(self.written, Symbols)
        return self.written

    @property
    def frames(self) -> Frames:
        """The target that is written frame by frame."""
        assert isinstance(self.written, Frames)
        return self.written

    def encode(self, inputs: Mapping[str, Column]) -> Encoded:
        """The inputs of a batch through their encoders, sequences joined step by step, single values one by one."""
        sides: tuple[list[Tensor], ...] = [], [], []
        lengths = None
        for (name, field), encoder in zip(self.fields.inputs.items(), self.encoders, strict=True):
            column = inputs[name]
            sides[_side(field)].append(encoder(column.values))
            lengths = column.lengths if lengths is None else lengths
        steps, single, ahead = map(_side_by_side, sides)
        return Encoded(steps, lengths, single, ahead)

    def off_level(self, inputs: Mapping[str, Column]) -> tuple[Mapping[str, Column], dict[str, Tensor]]:
        """The inputs, the past of each forecast column less its level; and the levels, (B, 2) by target.

        Where several inputs read a column, its level is that of the first.
        """
        found, levels = dict(inputs), dict[str, Tensor]()
        for name, field in self.fields.targets.items():
            if not isinstance(field, Forecast) or not field.leveled:
                continue
            for read, channel in self.fields.past_of(name):
                values, lengths = found[read]
                past = values[..., channel]
                level = levels.setdefault(name, level_of(field.level, past, lengths, field.season))
                own = torch.arange(values.shape[-1], device=values.device) == channel
                found[read] = Column(torch.where(own, take_off(level, past)[..., None], values), lengths)
        return found, levels

    def forward(self, batch: Batch, carried: Carried | None = None) -> Features:
        """What the heads get: of what was read; or, where the target is written, of what was written before each step.

        Args:
            batch: with targets, where they are written.
            carried: where the rows go on with those of another batch.
        """
        inputs, levels = self.off_level(batch.inputs)
        encoded = self.encode(inputs)
        if isinstance(self.topology, SequenceTopology):
            features: Features = self.topology(encoded)
            return features._replace(lengths=encoded.lengths, levels=levels)
        assert isinstance(self.topology, AutoregressiveTopology)
        assert batch.targets is not None
        ((values, lengths),) = batch.targets.values()
        assert lengths is not None
        first = self.written.first(len(values), values.device) if carried is None else carried.step
        fed = torch.cat([first[:, None], self.written.fed(values)[:, :-1]], 1)[:, : values.shape[1]]
        state = None if carried is None else carried.state
        if self.training and self.topology.scheduled_sampling:
            fed = self._partly_own(encoded, fed, lengths, state)
        return self.topology.teacher_forced(encoded, self.feed(fed), lengths, state)

    def feed(self, steps: Tensor) -> Tensor:
        """Steps that are fed back, (B, T, ...), as the body reads them, (B, T, E); or one of each row."""
        assert self.feedback is not None
        vectors: Tensor = self.feedback(steps)
        return vectors

    @torch.no_grad()
    def _partly_own(self, encoded: Encoded, fed: Tensor, lengths: Tensor, state: State | None) -> Tensor:
        """The steps (B, T, ...) that are fed back, some of them as the network itself would have written them.

        Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099) with all steps at once (Duckworth et al. 2019, arXiv
        1906.04331): what is written is drawn where all before it is true, so that no step waits for another.
        """
        assert isinstance(self.topology, AutoregressiveTopology)
        features = self.topology.teacher_forced(encoded, self.feed(fed), lengths, state)
        assert features.steps is not None
        real = real_steps(lengths, fed.shape[1])
        drawn = fed.clone()
        drawn[real] = self.written.drawn(self.heads[0](features.steps[real]))
        own = torch.rand(fed.shape[:2], device=fed.device) < self.topology.scheduled_sampling
        own[:, :1] = False  # the first is the beginning, or stands in the chunk before
        return torch.where(own.reshape(*own.shape, *[1] * (fed.dim() - 2)), drawn.roll(1, dims=1), fed)

    def losses(self, features: Features, targets: Mapping[str, Column]) -> dict[str, Tensor]:
        """The loss of each row by target, (B,), summed over its steps; in training what training lowers."""
        found = {}
        for (name, field), head in zip(self.fields.targets.items(), self.heads, strict=True):
            found[name] = self._loss(field, head, features, targets[name])
        return found

    def counted(self, targets: Mapping[str, Column]) -> dict[str, Tensor]:
        """How many losses stand behind each row's, by target, (B,)."""
        return {name: field.counted(targets[name]) for name, field in self.fields.targets.items()}

    def total_counted(self, targets: Mapping[str, Column]) -> dict[str, Tensor]:
        """How many losses each target has in a batch, at least 1."""
        return {name: steps.sum().clamp(min=1) for name, steps in self.counted(targets).items()}

    def _loss(self, field: Target, head: nn.Module, features: Features, target: Column) -> Tensor:
        if isinstance(field, Steps):
            assert features.steps is not None
            return field.steps_loss(head, features.steps, target, features.lengths)
        loss = field.training_loss if self.training else field.loss
        return loss(head(features.single_for(field.name)), target.values)

    def loss(self, batch: Batch, totals: Mapping[str, Tensor] | None = None, carried: Carried | None = None) -> "Loss":
        """What training lowers: of each target the mean of its losses, times the target's weight, added up.

        Args:
            batch: with targets.
            totals: the number of losses of each target, where the batch is a piece of a larger one.
            carried: as `forward`.
        """
        assert batch.targets is not None
        features = self(batch, carried)
        totals = totals or self.total_counted(batch.targets)
        shares, rows = [], []
        for name, losses in self.losses(features, batch.targets).items():
            weight = self.fields.targets[name].weight
            shares.append(weight * (losses.sum() / totals[name]))
            rows.append(losses.detach())
        return Loss(torch.stack(shares).sum(), torch.stack(rows).sum(0), self.carried(features, batch))

    def carried(self, features: Features, batch: Batch) -> Carried | None:
        """What the rows of a stream hand on, cut off from the gradient; None of rows that end in their batch."""
        if not batch.is_stream or features.state is None or batch.targets is None:
            return None
        ((values, _),) = batch.targets.values()
        ends = self.written.fed(values)  # of lanes that have all ended nothing is left to be fed
        last = ends[:, -1] if values.shape[1] else self.written.first(len(values), values.device)
        return Carried(last, type(features.state)(*(tensor.detach() for tensor in features.state)))


def carried_like(network: Network, rows: int) -> dict[str, Tensor]:
    """Tensors of the names, shapes and types that `Carried.tensors` has, without values; none where nothing is."""
    if not isinstance(network.topology, NextStep):
        return {}
    meta = torch.device("meta")
    with meta:
        body = network.topology.decoder.body
        state = body.start_state(torch.empty(rows, 0, body.input_size))
        return Carried(network.written.first(rows, meta), state).tensors()


def carried_from(network: Network, tensors: Mapping[str, Tensor]) -> Carried | None:
    """What `Carried.tensors` gave."""
    if not tensors or not isinstance(network.topology, NextStep):
        return None
    state_type = network.topology.decoder.body.cell_type.state_type
    return Carried(tensors["step"], state_type(*(tensors[f"state.{index}"] for index in range(len(tensors) - 1))))


def own_state(module: nn.Module) -> dict[str, Tensor]:
    """The `state_dict`; weights that are tied stand in it under the first of their names only, as a file has them."""
    own = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
    return {name: tensor for name, tensor in module.state_dict().items() if name in own}


class Loss(NamedTuple):
    """The loss of a batch."""

    share: Tensor  # (), this batch's part of the mean
    rows: Tensor  # (B,), of each row, summed over its steps and targets, without gradient
    carried: Carried | None


def joined(parts: Sequence[Carried | None]) -> Carried | None:
    """What the pieces of a batch hand on, as one."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    state = (torch.cat(tensors) for tensors in zip(*(part.state for part in known), strict=True))
    return Carried(torch.cat([part.step for part in known]), type(known[0].state)(*state))


def _side(field: Field) -> int:
    """Where the features of an input go: 0 to the steps, 1 to the single values, 2 to the steps ahead."""
    return 2 if isinstance(field, Known) and field.in_steps else int(not field.is_sequence)


def _side_by_side(parts: list[Tensor]) -> Tensor | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)
