"""Measuring memory."""

import os
import threading
from collections import Counter
from types import TracebackType

import torch
from torch import Tensor, nn

RESIDENT = "/proc/self/statm"  # Linux: resident memory of this process is the second number, in pages
INTERVAL = 0.001  # seconds between two measurements


class SavedBytes:
    """Bytes that autograd saves for the backward pass: each storage counts once, parameters do not count."""

    def __init__(self, network: nn.Module) -> None:
        self._holders = Counter(parameter.untyped_storage().data_ptr() for parameter in network.parameters())
        self._live = self.peak = 0

    def pack(self, tensor: Tensor) -> "_SavedTensor":
        return _SavedTensor(self, tensor)

    def unpack(self, held: "_SavedTensor") -> Tensor:
        return held.tensor

    def take(self, storage: torch.UntypedStorage) -> None:
        self._holders[storage.data_ptr()] += 1
        if self._holders[storage.data_ptr()] == 1:
            self._live += storage.nbytes()
            self.peak = max(self.peak, self._live)

    def release(self, storage: torch.UntypedStorage) -> None:
        self._holders[storage.data_ptr()] -= 1
        if not self._holders[storage.data_ptr()]:
            self._live -= storage.nbytes()


class _SavedTensor:
    """A tensor that autograd holds; deleted when autograd releases it."""

    def __init__(self, saved: SavedBytes, tensor: Tensor) -> None:
        self.tensor, self._saved = tensor.detach(), saved  # the tensor itself may hold the graph that holds it
        saved.take(self.tensor.untyped_storage())

    def __del__(self) -> None:
        self._saved.release(self.tensor.untyped_storage())


class PeakBytes:
    """Peak bytes that a device, or on a CPU this process, holds within a `with`, beyond those at its start."""

    def __init__(self, device: torch.device) -> None:
        self.bytes = 0
        self._cuda = device if device.type == "cuda" else None
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakBytes":
        if self._cuda:
            torch.cuda.reset_peak_memory_stats(self._cuda)
            self._before = torch.cuda.memory_allocated(self._cuda)
        elif os.path.exists(RESIDENT):
            self._before = _resident()
            self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL):
            self.bytes = max(self.bytes, _resident() - self._before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._cuda:
            self.bytes = torch.cuda.max_memory_allocated(self._cuda) - self._before
        elif self._watcher.is_alive():
            self._watcher.join()


def _resident() -> int:
    with open(RESIDENT, encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
