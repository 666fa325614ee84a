"""The door of a network: a batch of arrays becomes tensors on its device."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data import Batch
from elman.types import Column


class TensorColumn(NamedTuple):
    """One field's part of a batch, as tensors."""

    values: Tensor  # (B, T, ...) padded with zeros, or (B, ...) of single values
    lengths: Tensor | None  # (B,) real steps; None for single values


class TensorBatch(NamedTuple):
    """A batch on the device of a network."""

    inputs: dict[str, TensorColumn]
    targets: dict[str, TensorColumn] | None
    is_stream: bool  # whether its rows continue in the batch after it

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> "TensorBatch":
        """A batch of arrays, which is not copied where the device is the CPU."""
        targets = None if batch.targets is None else _tensors(batch.targets, device)
        return cls(_tensors(batch.inputs, device), targets, batch.is_stream)


def _tensors(columns: Mapping[str, Column], device: torch.device) -> dict[str, TensorColumn]:
    return {
        name: TensorColumn(_tensor(values, device), None if lengths is None else _tensor(lengths, device))
        for name, (values, lengths) in columns.items()
    }


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.to(device, non_blocking=True)
