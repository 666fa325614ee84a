"""Where training happens: on a CUDA device where there is one, else on the CPU; no flag says so."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from elman.data import Batch
from elman.types import Column


def best_device() -> torch.device:
    """The device that a training takes."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are; the CPU for one without weights."""
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))


def moved(batch: Batch, device: torch.device) -> Batch:
    """The batch on a device."""
    if device.type == "cpu":
        return batch
    targets = None if batch.targets is None else _moved(batch.targets, device)
    return Batch(_moved(batch.inputs, device), targets, batch.rows, batch.chunk)


def _moved(columns: Mapping[str, Column], device: torch.device) -> dict[str, Column]:
    found = {}
    for name, (values, lengths) in columns.items():
        lengths = None if lengths is None else lengths.to(device, non_blocking=True)
        found[name] = Column(values.to(device, non_blocking=True), lengths)
    return found


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's generators that a training on a device draws from, by name."""
    found = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        found["random.cuda"] = torch.cuda.get_rng_state(device)
    return found


def set_random_state(device: torch.device, tensors: Mapping[str, Tensor]) -> None:
    """Take back what `random_state` gave, among other tensors."""
    torch.set_rng_state(tensors["random.cpu"].clone())
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"].clone(), device)
