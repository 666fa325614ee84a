"""The device of a training: a CUDA device if there is one, else the CPU; there is no option for it."""

from collections.abc import Mapping

import torch
from torch import Tensor


def best_device() -> torch.device:
    """The device that a training uses."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's random generators that a training on a device uses, by name."""
    state = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["random.cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(device: torch.device, tensors: Mapping[str, Tensor]) -> None:
    """Restore the result of `random_state`, among other tensors."""
    torch.set_rng_state(tensors["random.cpu"].clone())
    if device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"].clone(), device)
