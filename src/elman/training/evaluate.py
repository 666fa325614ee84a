"""A network over examples: outputs in the order of the rows, and the scores of them."""

import torch
from torch import Tensor

from elman.data import Examples, in_order_of_length
from elman.fields import Target
from elman.network import Network
from elman.training.device import device_of, moved
from elman.training.metrics import METRICS

EVALUATION_BATCH = 256


@torch.inference_mode()
def outputs_of(network: Network, examples: Examples) -> Tensor:
    """The network's outputs (rows, K), in the order of the rows, on the CPU.

    Batches are cut by length, which changes no answer.
    """
    network.eval()
    device = device_of(network)
    found, order = [], []
    for rows in in_order_of_length(examples.lengths, EVALUATION_BATCH):
        batch = moved(examples.batch(rows), device)
        found.append(network(batch.inputs, batch.lengths).cpu())
        order.append(torch.from_numpy(rows))
    outputs = torch.cat(found)
    return outputs[torch.cat(order).argsort()]


def scores_of(outputs: Tensor, target: Target, examples: Examples) -> dict[str, float]:
    """The loss and every metric of the target's field, by name."""
    truth = torch.from_numpy(examples.all_targets())
    scores = {"loss": float(target.loss(outputs, truth).double().mean())}
    predicted, true = target.decode(outputs), target.decode_target(truth)
    return scores | {name: METRICS[name].score(predicted, true) for name in target.metrics}
