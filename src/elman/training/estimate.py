"""The memory and time that a training needs, estimated before its first step on a copy of the network."""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from elman.data import Batch, Lengths
from elman.network import Network
from elman.training.memory import PeakBytes, SavedBytes
from elman.training.optimizer import AdamW, clip_gradient


@dataclass(frozen=True)
class Estimate:
    """The memory and time that a training needs.

    Args:
        bytes: peak memory: the weights and their best copy, gradients, AdamW's two moments, and the forward and
            backward pass of the largest batch; not the data, nor what the process held before.
        seconds_a_step: for a batch of average size.
        steps: number of steps of the whole training.

    Example:
        >>> print(Estimate(bytes=310_000_000, seconds_a_step=0.012, steps=20_000))
        needs     about 310 MB, about 4 minutes (12 ms a step)
    """

    bytes: int
    seconds_a_step: float
    steps: int

    @property
    def seconds(self) -> float:
        """For all steps, without the evaluations between them."""
        return self.seconds_a_step * self.steps

    def __str__(self) -> str:
        memory = _rounded(self.bytes, (1e9, 1e9, "GB"), (1e6, 1e6, "MB"), (0, 1e3, "kB"))
        whole = _rounded(self.seconds, (5400, 3600, "hours"), (90, 60, "minutes"), (0, 1, "s"))
        step = _rounded(self.seconds_a_step, (1, 1, "s"), (0, 1e-3, "ms"))
        return f"needs     about {memory}, about {whole} ({step} a step)"


def estimate(network: Network, largest: Batch, typical: Batch, steps: int) -> Estimate:
    """Measure a training step of a copy of `network` on each of two batches.

    The network, its gradients and every random state stay unchanged. On a CPU, memory is the growth of the process,
    where the system reports it, and at least what autograd saved; growth into memory that was already free is not seen.

    Args:
        network: on the device where it will be trained.
        largest: the batch that needs the most memory, with targets; see `trial_rows`.
        typical: a batch of average size, which is timed.
        steps: number of steps of the whole training, at least 1.

    Raises:
        RuntimeError, MemoryError: the largest batch does not fit, see `memory.is_out_of_memory`.
    """
    device = next(network.parameters()).device
    weights = sum(parameter.nbytes for parameter in network.parameters())
    with torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type):
        with PeakBytes(device) as peak:
            # Fields do not change in a step, and copying a vocabulary takes longer than the steps.
            shared = {id(known): known for known in (network.fields, *network.fields.by_role().values())}
            trial = copy.deepcopy(network, shared).train()
            optimizer = AdamW(trial, lr=1e-3, weight_decay=0.0)
            saved = SavedBytes(trial)
            with torch.autograd.graph.saved_tensors_hooks(saved.pack, saved.unpack):
                _step(trial, optimizer, largest)
        begin = time.perf_counter()
        _step(trial, optimizer, typical)
        seconds = time.perf_counter() - begin
    at_least = 4 * weights + saved.peak  # the copy, its gradients and two moments
    return Estimate(weights + max(peak.bytes, at_least), seconds, steps)


def trial_rows(lengths: Lengths, batches: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the largest batch and of one of average size among an epoch's batches, by steps with padding.

    Args:
        lengths: real steps of each row.
        batches: row numbers of each batch.

    Example:
        >>> largest, typical = trial_rows(np.array([9, 1, 5, 4]), [np.array([1]), np.array([0, 2]), np.array([3, 1])])
        >>> largest.tolist(), typical.tolist()
        ([0, 2], [3, 1])
    """
    steps = lengths[np.concatenate(batches)]  # read once: a large source encodes the rows to get them
    ends = np.cumsum([len(rows) for rows in batches])[:-1]
    sizes = np.array([len(batch) * batch.max(initial=0) for batch in np.split(steps, ends)])
    return batches[int(sizes.argmax())], batches[int(np.abs(sizes - sizes.mean()).argmin())]


def _step(network: Network, optimizer: AdamW, batch: Batch) -> None:
    """A step as the training loop does it."""
    loss = network.loss(batch).part
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    clip_gradient(network.parameters(), 1.0)
    optimizer.step()
    loss.item()  # waits for a device


def _rounded(value: float, *units: tuple[float, float, str]) -> str:
    """Two significant digits of a value, in the first unit whose least value it reaches: (least, size, name)."""
    size, name = next((size, name) for least, size, name in units if value >= least)
    return f"{float(f'{value / size:.2g}'):,g} {name}"
