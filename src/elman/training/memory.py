"""Memory that is measured."""

import os
import threading
from collections import Counter
from types import TracebackType

import torch
from torch import Tensor, nn

RESIDENT = "/proc/self/statm"  # Linux: the memory that this process holds, second number, in pages
EVERY = 0.001  # seconds between two looks at it


class SavedBytes:
    """Bytes that autograd holds for the backward pass: each memory once, parameters not at all."""

    def __init__(self, network: nn.Module) -> None:
        self._holders = Counter(parameter.untyped_storage().data_ptr() for parameter in network.parameters())
        self._live = self.peak = 0

    def pack(self, tensor: Tensor) -> "_Held":
        return _Held(self, tensor)

    def unpack(self, held: "_Held") -> Tensor:
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


class _Held:
    """A tensor that autograd holds; gone when autograd lets go of it."""

    def __init__(self, saved: SavedBytes, tensor: Tensor) -> None:
        self.tensor, self._saved = tensor.detach(), saved  # the tensor itself may hold the graph that holds it
        saved.take(self.tensor.untyped_storage())

    def __del__(self) -> None:
        self._saved.release(self.tensor.untyped_storage())


class PeakBytes:
    """The most bytes that a device, or on a CPU this process, held within a `with`, beyond those at its begin."""

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
        while not self._ended.wait(EVERY):
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
