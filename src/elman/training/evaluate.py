"""A network over examples: outputs in the order of the rows, and the scores of them."""

import torch
from torch import Tensor

from elman.data import Examples, in_order_of_length
from elman.fields import Target
from elman.network import Network
from elman.training.device import device_of, moved
from elman.training.memory import is_out_of_memory
from elman.training.metrics import METRICS
from elman.training.pieces import pieces

EVALUATION_BATCH = 256
MOST_STEPS = 1 << 17  # of a batch, padding included: 256 rows of 512 steps


@torch.inference_mode()
def outputs_of(network: Network, examples: Examples) -> Tensor:
    """The network's outputs (rows, K), in the order of the rows, on the CPU.

    Batches are cut by length and to what fits in memory, which changes no answer.
    """
    network.eval()
    device, most = device_of(network), MOST_STEPS
    found, order = [], []
    for rows in in_order_of_length(examples.lengths, EVALUATION_BATCH):
        batch = moved(examples.batch(rows), device)
        while True:
            steps = 1 if batch.lengths is None else max(1, batch.inputs.shape[1])
            size = max(1, min(len(rows), most // steps))
            try:
                parts = [(part.rows, network(part.inputs, part.lengths).cpu()) for part in pieces(batch, size)]
            except (RuntimeError, MemoryError) as error:
                if size == 1 or not is_out_of_memory(error):
                    raise
                most //= 2
                continue
            order += [torch.from_numpy(rows) for rows, _ in parts]
            found += [outputs for _, outputs in parts]
            break
    outputs = torch.cat(found)
    return outputs[torch.cat(order).argsort()]


def scores_of(outputs: Tensor, target: Target, examples: Examples) -> dict[str, float]:
    """The loss and every metric of the target's field, by name."""
    truth = torch.from_numpy(examples.all_targets())
    scores = {"loss": float(target.loss(outputs, truth).double().mean())}
    predicted, true = target.decode(outputs), target.decode_target(truth)
    return scores | {name: METRICS[name].score(predicted, true) for name in target.metrics}
