"""Where training happens: on a CUDA device where there is one, else on the CPU; no flag says so."""

from collections.abc import Mapping

import torch
from torch import Tensor


def best_device() -> torch.device:
    """The device that a training takes."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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
