"""A network over examples: losses and answers in the order of the rows, and the scores of them."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from elman.data import Batch, Examples
from elman.fields import Aligned, Fields, Single, Steps, Symbols, Target, Writable
from elman.inference import Decoding, answer
from elman.network import Carried, Network
from elman.topologies import Reader
from elman.training.memory import is_out_of_memory
from elman.training.metrics import METRICS, SIGNED, signature, with_references
from elman.training.pieces import pieces

EVALUATION_BATCH = 256
MOST_STEPS = 1 << 17  # of a batch, padding included: 256 rows of 512 steps


class Judged:
    """What a network makes of one target, in the order of the rows.

    Args:
        rows: how many.
    """

    def __init__(self, rows: int) -> None:
        self.losses = np.zeros(rows)  # summed over a row's steps
        self.steps = np.zeros(rows, np.int64)  # how many losses that is
        self.predictions: list[Any] = [None] * rows
        self.probabilities: list[Any] = [None] * rows  # None where there are no classes
        self.truth: list[Any] = [None] * rows
        self.keys: list[Any] = [None] * rows  # what tells inputs apart, where rows of one input belong together

    @classmethod
    def joined(cls, parts: Sequence["Judged"]) -> "Judged":
        """All of these rows, for metrics: without probabilities."""
        whole = cls(sum(len(part.losses) for part in parts))
        whole.losses = np.concatenate([part.losses for part in parts])
        whole.steps = np.concatenate([part.steps for part in parts])
        whole.predictions, whole.truth, whole.keys = (
            [value for part in parts for value in getattr(part, name)] for name in ("predictions", "truth", "keys")
        )
        return whole

    @property
    def loss(self) -> float:
        """The mean, in nats where it is a likelihood."""
        return float(self.losses.sum() / max(1, self.steps.sum()))


@torch.inference_mode()
def judge(
    network: Network,
    examples: Examples,
    answers: bool = True,
    decoding: Decoding | None = None,
    probabilities: bool = True,
) -> dict[str, Judged]:
    """The losses of every target, where the examples have them, and the answers, where they are wanted.

    Batches are cut by length and to what fits in memory, which changes no answer.

    Args:
        network: in evaluation mode after this.
        examples: rows.
        answers: whether answers are wanted, and the truth as the user reads it.
        decoding: how what is written is looked for; None: greedily.
        probabilities: whether those of the answers are kept, which no metric looks at.
    """
    network.eval()
    most = MOST_STEPS
    found = {name: Judged(len(examples)) for name in network.fields.targets}
    carried: Carried | None = None
    for whole in examples.scored(EVALUATION_BATCH):
        batch = whole.to(network.device)
        carried = carried if batch.follows else None
        while True:
            size = max(1, min(len(batch.rows), most // batch.steps))
            if batch.is_stream:
                size = len(batch.rows)
            try:
                for piece in pieces(batch, size):
                    carried = _judge(network, piece, examples, carried, found, answers, decoding, probabilities)
            except (RuntimeError, MemoryError) as error:
                if size == 1 or batch.is_stream or not is_out_of_memory(error):
                    raise
                most = size // 2 * batch.steps
                continue
            break
    return found


def _judge(
    network: Network,
    batch: Batch,
    examples: Examples,
    carried: Carried | None,
    found: dict[str, Judged],
    answers: bool,
    decoding: Decoding | None,
    probabilities: bool,
) -> Carried | None:
    """Note the losses and answers of a batch; what its rows hand on."""
    known = isinstance(network.topology, Reader) or batch.targets is not None
    features = network(batch, carried) if known else None
    if batch.targets is not None and features is not None:
        steps = network.counted(batch.targets)
        for name, losses in network.losses(features, batch.targets).items():
            lost, counted = losses.double().cpu().numpy(), steps[name].cpu().numpy()
            if batch.is_stream:  # not `+=`: lanes that have ended all name the last row
                np.add.at(found[name].losses, batch.rows, lost)
                np.add.at(found[name].steps, batch.rows, counted)
            else:  # a batch for which memory ran out comes here twice
                found[name].losses[batch.rows], found[name].steps[batch.rows] = lost, counted
    for name, said in (answer(network, batch, features, decoding) if answers else {}).items():
        judged, field = found[name], network.fields.targets[name]
        truth = None if batch.targets is None else _truth(field, batch, name, examples)
        keys = input_keys(network.fields, examples, batch.rows) if truth and field.references == "all" else []
        for index, row in enumerate(batch.rows.tolist()):
            judged.predictions[row] = said.predictions[index]
            judged.probabilities[row] = said.probabilities[index] if probabilities and said.probabilities else None
            judged.truth[row] = truth and truth[index]
            judged.keys[row] = keys and keys[index]
    return network.carried(features, batch) if features else None


def _truth(field: Target, batch: Batch, name: str, examples: Examples) -> list[Any]:
    """The true values of a batch, as the user reads them; of what is written what stands in the data."""
    assert batch.targets is not None
    values, lengths = batch.targets[name]
    if isinstance(field, Single):
        return field.decode_target(values)
    if isinstance(field, Writable | Aligned):
        return [field.truth(value) for value in examples.values(f"target.{name}", batch.rows)]
    assert isinstance(field, Steps)
    assert lengths is not None
    return [field.read(row[:length].tolist()) for row, length in zip(values, lengths.tolist(), strict=True)]


def input_keys(fields: Fields, examples: Examples, rows: np.ndarray) -> list[Hashable]:
    """What tells the inputs of these rows apart: their values as they stand in the data, of all inputs."""
    columns = [map(_hashable, examples.values(f"input.{name}", rows)) for name in fields.inputs]
    return list(zip(*columns, strict=True))


def _hashable(value: Any) -> Hashable:
    return (value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def score(network: Network, examples: Examples, leading_only: bool = False) -> dict[str, float]:
    """The loss and every metric by name; those of several targets as `target.metric`.

    Args:
        network: in evaluation mode after this.
        examples: with targets.
        leading_only: only what comes with the metric that decides which weights are best: no answers are looked for
            where it follows from the loss.
    """
    fields = network.fields
    leading = METRICS[leading_metric(fields).rpartition(".")[2]]
    answers = not leading.from_loss if leading_only else wants_answers(fields)
    return scores_of(judge(network, examples, answers, probabilities=False), fields, answers)


def wants_answers(fields: Fields) -> bool:
    """Whether a metric looks at answers; what is only gone on with is scored by its loss alone."""
    return any(not from_loss(metric) for field in fields.targets.values() for metric in field.metrics)


def scores_of(judged: Mapping[str, Judged], fields: Fields, answers: bool = True) -> dict[str, float]:
    """The weighted loss, and every metric; without answers those that follow from the loss."""
    scores = {"loss": sum(field.weight * judged[name].loss for name, field in fields.targets.items())}
    for name, field in fields.targets.items():
        found = answer_scores(judged[name], field, field.metrics) if answers else {}
        found |= {metric: METRICS[metric].score(judged[name].loss) for metric in field.metrics if from_loss(metric)}
        scores |= {metric_name(fields, name, metric): found[metric] for metric in field.metrics if metric in found}
    return scores


def answer_scores(judged: Judged, field: Target, metrics: Sequence[str]) -> dict[str, float]:
    """Those of these metrics of a target that look at its answers."""
    wanted = [metric for metric in metrics if not from_loss(metric)]
    predicted, true = _held_together(judged, field) if wanted else ([], [])  # without one nobody asked for answers
    return {metric: METRICS[metric].score(predicted, true) for metric in wanted}


def from_loss(metric: str) -> bool:
    """Whether a metric is made of the loss alone."""
    return METRICS[metric].from_loss


def signatures_of(judged: Mapping[str, Judged], fields: Fields) -> dict[str, str]:
    """How BLEU and chrF were counted, by metric as in `scores_of`; empty where there are none."""
    signatures = {}
    for name, field in fields.targets.items():
        signed = [metric for metric in field.metrics if metric in SIGNED]
        references = [texts for _, texts in with_references(*_held_together(judged[name], field))] if signed else []
        for metric in signed:
            signatures[metric_name(fields, name, metric)] = signature(metric, references)
    return signatures


def symbols_of(judged: Mapping[str, Judged], fields: Fields) -> int:
    """How many symbols were scored, ends included, of all targets that are written in symbols."""
    written = [name for name, field in fields.targets.items() if isinstance(field, Symbols)]
    return sum(int(judged[name].steps.sum()) for name in written)


def _held_together(judged: Judged, field: Target) -> tuple[list[Any], list[Any]]:
    """Answers and truths; where rows of one input belong together, one answer and all the truths of each input."""
    predictions, true = field.compared(judged.predictions), field.compared(judged.truth)
    if field.references != "all":
        return list(predictions), list(true)
    truths: dict[Hashable, list[Any]] = {}
    first: dict[Hashable, Any] = {}
    for key, prediction, truth in zip(judged.keys, predictions, true, strict=True):
        truths.setdefault(key, []).append(truth)
        first.setdefault(key, prediction)
    return list(first.values()), list(truths.values())


def metric_name(fields: Fields, target: str, metric: str) -> str:
    """What a metric of a target is called among the scores."""
    return metric if len(fields.targets) == 1 else f"{target}.{metric}"


def leading_metric(fields: Fields) -> str:
    """The metric that decides which weights are best: the first of the first target."""
    name, field = next(iter(fields.targets.items()))
    return metric_name(fields, name, field.metrics[0])
