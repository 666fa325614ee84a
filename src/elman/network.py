"""A whole network: the inputs' encoders, the topology, the targets' heads. A batch in, features and losses out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from elman.data import Batch
from elman.encoders import ENCODERS, TensorBatch, TensorColumn
from elman.fields import Field, Fields, Forecast, Frames, Generated, Known, Symbols
from elman.heads import HEADS, GeneratedHead, Head, SingleHead, StepsHead
from elman.layers import real_steps
from elman.layers.normalize import normalization_of, normalized
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
from elman.types import Json, State


class Carried(NamedTuple):
    """What a row of a stream carries to the batch after it."""

    step: Tensor  # (B, ...) the last step, which is the first input there
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
        fields: the fitted fields that are read, and those that are predicted.
        topology: a name of `elman.topologies.TOPOLOGIES`.
        options: the topology's own options, see its class.
    """

    topology: Topology

    def __init__(self, fields: Fields, topology: str, options: Json) -> None:
        super().__init__()
        self.fields, kind = fields, TOPOLOGIES[topology]
        self.encoders = nn.ModuleList(ENCODERS[field.kind](field) for field in fields.inputs.values())
        sizes = [0, 0, 0]  # of steps, of single values, of future covariates
        for field, encoder in zip(fields.inputs.values(), self.encoders, strict=True):
            sizes[_side(field)] += int(encoder.output_size)  # type: ignore[arg-type]
        is_autoregressive = issubclass(kind, AutoregressiveTopology)
        self.feedback = ENCODERS[self.generated.kind](self.generated) if is_autoregressive else None
        *own, ahead = sizes
        if self.feedback is not None:
            own.append(int(self.feedback.output_size))  # type: ignore[arg-type]
        if issubclass(kind, EncoderDecoderAhead):
            own += [ahead, next(field.horizon for field in fields.targets.values() if isinstance(field, Forecast))]
        self.topology = kind(*own, **options)
        size = self.topology.output_size
        self.heads = nn.ModuleList(HEADS[field.kind](field, size) for field in fields.targets.values())
        if self.feedback is not None:
            self.generated_head.tie(self.feedback)

    def tensors(self, batch: Batch) -> TensorBatch:
        """A batch of arrays as tensors on the network's device."""
        return TensorBatch.of(batch, self.device)

    def predicted(self) -> list[tuple[str, Head]]:
        """The targets and their heads."""
        return list(zip(self.fields.targets, self.heads, strict=True))  # type: ignore[arg-type]

    def take_state(self, state: Mapping[str, Tensor], assign: bool = False) -> None:
        """Load what `own_state` gave; `assign` as in torch's `load_state_dict`."""
        first = {id(parameter): name for name, parameter in self.named_parameters()}
        names = {name: first[id(parameter)] for name, parameter in self.named_parameters(remove_duplicate=False)}
        self.load_state_dict({**state, **{name: state[names[name]] for name in names}}, assign=assign)
        if assign and self.feedback is not None:
            self.generated_head.tie(self.feedback)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU for a network without weights."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def lr(self) -> float:
        """The peak learning rate where none is given: the topology's, or a lower one that an encoder has."""
        encoders = (*self.encoders, self.feedback)
        return min(self.topology.lr, *(float(getattr(encoder, "lr", 1.0)) for encoder in encoders))

    @property
    def generated(self) -> Generated:
        """The target that is generated step by step."""
        (field,) = self.fields.targets.values()
        assert isinstance(field, Generated)
        return field

    @property
    def generated_head(self) -> GeneratedHead:
        """Its head."""
        (head,) = self.heads
        assert isinstance(head, GeneratedHead)
        return head

    @property
    def symbols(self) -> Symbols:
        """The target that is generated symbol by symbol."""
        assert isinstance(self.generated, Symbols)
        return self.generated

    @property
    def frames(self) -> Frames:
        """The target that is generated frame by frame."""
        assert isinstance(self.generated, Frames)
        return self.generated

    def encode(self, inputs: Mapping[str, TensorColumn]) -> Encoded:
        """The inputs of a batch through their encoders, sequences joined step by step, single values one by one."""
        sides: tuple[list[Tensor], ...] = [], [], []
        lengths = None
        for (name, field), encoder in zip(self.fields.inputs.items(), self.encoders, strict=True):
            column = inputs[name]
            sides[_side(field)].append(encoder(column.values))
            lengths = column.lengths if lengths is None else lengths
        steps, single, ahead = map(_side_by_side, sides)
        return Encoded(steps, lengths, single, ahead)

    def normalized(self, inputs: Mapping[str, TensorColumn]) -> tuple[Mapping[str, TensorColumn], dict[str, Tensor]]:
        """The inputs, the past of each forecast column normalized; and the normalizations, (B, 2) by target.

        Where several inputs read a column, its normalization is that of the first.
        """
        found, normalizations = dict(inputs), dict[str, Tensor]()
        for name, field in self.fields.targets.items():
            if not isinstance(field, Forecast) or not field.is_normalized:
                continue
            for read, channel in self.fields.past_of(name):
                values, lengths = found[read]
                past = values[..., channel]
                own = normalizations.setdefault(name, normalization_of(field.normalize, past, lengths, field.season))
                is_own = torch.arange(values.shape[-1], device=values.device) == channel
                found[read] = TensorColumn(torch.where(is_own, normalized(own, past)[..., None], values), lengths)
        return found, normalizations

    def forward(self, batch: Batch | TensorBatch, carried: Carried | None = None) -> Features:
        """What the heads get: features of what was read; or, where the target is generated, of the steps before each.

        Args:
            batch: with targets, where they are generated.
            carried: where the rows continue those of another batch.
        """
        batch = batch if isinstance(batch, TensorBatch) else self.tensors(batch)
        inputs, normalizations = self.normalized(batch.inputs)
        encoded = self.encode(inputs)
        if isinstance(self.topology, SequenceTopology):
            features: Features = self.topology(encoded)
            return features._replace(lengths=encoded.lengths, normalizations=normalizations)
        assert isinstance(self.topology, AutoregressiveTopology)
        assert batch.targets is not None
        ((values, lengths),) = batch.targets.values()
        assert lengths is not None
        head = self.generated_head
        first = head.first(len(values), values.device) if carried is None else carried.step
        fed = torch.cat([first[:, None], head.fed_back(values)[:, :-1]], 1)[:, : values.shape[1]]
        state = None if carried is None else carried.state
        if self.training and self.topology.scheduled_sampling:
            fed = self._partly_sampled(encoded, fed, lengths, state)
        return self.topology.teacher_forced(encoded, self.feed(fed), lengths, state)

    def feed(self, steps: Tensor) -> Tensor:
        """Steps that are fed back, (B, T, ...), as the body reads them, (B, T, E); or one of each row."""
        assert self.feedback is not None
        vectors: Tensor = self.feedback(steps)
        return vectors

    @torch.no_grad()
    def _partly_sampled(self, encoded: Encoded, fed: Tensor, lengths: Tensor, state: State | None) -> Tensor:
        """The steps (B, T, ...) that are fed back, some of them sampled from the network itself.

        Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099) with all steps at once (Duckworth et al. 2019, arXiv
        1906.04331): a step is sampled where all before it is true, so that no step waits for another.
        """
        assert isinstance(self.topology, AutoregressiveTopology)
        features = self.topology.teacher_forced(encoded, self.feed(fed), lengths, state)
        assert features.steps is not None
        real = real_steps(lengths, fed.shape[1])
        sampled = fed.clone()
        sampled[real] = self.generated_head.sample(self.generated_head(features.steps[real]))
        own = torch.rand(fed.shape[:2], device=fed.device) < self.topology.scheduled_sampling
        own[:, :1] = False  # the first is the beginning, or is in the chunk before
        return torch.where(own.reshape(*own.shape, *[1] * (fed.dim() - 2)), sampled.roll(1, dims=1), fed)

    def losses(self, features: Features, targets: Mapping[str, TensorColumn]) -> dict[str, Tensor]:
        """The loss of each row by target, (B,), summed over its steps; in training what training lowers."""
        found = {}
        for name, head in self.predicted():
            if isinstance(head, StepsHead):
                assert features.steps is not None
                found[name] = head.row_losses(features.steps, targets[name], features.lengths)
            else:
                assert isinstance(head, SingleHead)
                found[name] = head.row_losses(features.single_for(name), targets[name])
        return found

    def counted(self, targets: Mapping[str, TensorColumn]) -> dict[str, Tensor]:
        """The number of losses that each row's is the sum of, by target, (B,)."""
        return {name: head.counted(targets[name]) for name, head in self.predicted()}

    def total_counted(self, targets: Mapping[str, TensorColumn]) -> dict[str, Tensor]:
        """The number of losses of each target in a batch, at least 1."""
        return {name: steps.sum().clamp(min=1) for name, steps in self.counted(targets).items()}

    def loss(
        self,
        batch: Batch | TensorBatch,
        totals: Mapping[str, Tensor] | None = None,
        carried: Carried | None = None,
    ) -> "Loss":
        """What training lowers: of each target the mean of its losses, times the target's weight, added up.

        Args:
            batch: with targets.
            totals: the number of losses of each target, where the batch is a piece of a larger one.
            carried: as `forward`.
        """
        batch = batch if isinstance(batch, TensorBatch) else self.tensors(batch)
        assert batch.targets is not None
        features = self(batch, carried)
        totals = totals or self.total_counted(batch.targets)
        parts, rows = [], []
        for name, losses in self.losses(features, batch.targets).items():
            parts.append(self.fields.weight(name) * (losses.sum() / totals[name]))
            rows.append(losses.detach())
        return Loss(torch.stack(parts).sum(), torch.stack(rows).sum(0), self.carried(features, batch))

    def carried(self, features: Features, batch: TensorBatch) -> Carried | None:
        """What the rows of a stream carry to the next batch, without gradient; None of rows that end in their batch."""
        if not batch.is_stream or features.state is None or batch.targets is None:
            return None
        ((values, _),) = batch.targets.values()
        head = self.generated_head
        fed = head.fed_back(values)  # of lanes that have all ended nothing is left to be fed
        last = fed[:, -1] if values.shape[1] else head.first(len(values), values.device)
        return Carried(last, type(features.state)(*(tensor.detach() for tensor in features.state)))


def carried_like(network: Network, rows: int) -> dict[str, Tensor]:
    """Tensors of the names, shapes and types that `Carried.tensors` has, without values; none where nothing is."""
    if not isinstance(network.topology, NextStep):
        return {}
    meta = torch.device("meta")
    with meta:
        body = network.topology.decoder.body
        state = body.start_state(torch.empty(rows, 0, body.input_size))
        return Carried(network.generated_head.first(rows, meta), state).tensors()


def carried_from(network: Network, tensors: Mapping[str, Tensor]) -> Carried | None:
    """What `Carried.tensors` gave."""
    if not tensors or not isinstance(network.topology, NextStep):
        return None
    state_type = network.topology.decoder.body.cell_type.state_type
    return Carried(tensors["step"], state_type(*(tensors[f"state.{index}"] for index in range(len(tensors) - 1))))


def own_state(module: nn.Module) -> dict[str, Tensor]:
    """The `state_dict`; weights that are tied are in it under the first of their names only, as a file has them."""
    own = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
    return {name: tensor for name, tensor in module.state_dict().items() if name in own}


class Loss(NamedTuple):
    """The loss of a batch."""

    part: Tensor  # (), this batch's part of the mean
    rows: Tensor  # (B,), of each row, summed over its steps and targets, without gradient
    carried: Carried | None


def joined(parts: Sequence[Carried | None]) -> Carried | None:
    """What the pieces of a batch carry to the next one, joined."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    state = (torch.cat(tensors) for tensors in zip(*(part.state for part in known), strict=True))
    return Carried(torch.cat([part.step for part in known]), type(known[0].state)(*state))


def _side(field: Field) -> int:
    """Where the features of an input go: 0 to the steps, 1 to the single values, 2 to the future covariates."""
    return 2 if isinstance(field, Known) and field.stepwise else int(not field.is_sequence)


def _side_by_side(parts: list[Tensor]) -> Tensor | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)
