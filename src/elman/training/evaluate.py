"""Evaluation of a network on examples during training."""

from elman.data import Examples
from elman.inference.batches import evaluate
from elman.metrics import METRICS
from elman.metrics.scores import leading_metric, scores_of, wants_answers
from elman.network import Network


def score(network: Network, examples: Examples, leading_only: bool = False) -> dict[str, float]:
    """The loss and every metric by name; those of several targets as `target.metric`.

    Args:
        network: in evaluation mode after this.
        examples: with targets.
        leading_only: compute only what the metric that selects the best weights needs: no predictions, if it follows
            from the loss.
    """
    fields = network.fields
    leading = METRICS[leading_metric(fields).rpartition(".")[2]]
    answers = not leading.from_loss if leading_only else wants_answers(fields)
    return scores_of(evaluate(network, examples, answers, probabilities=False), fields, answers)
