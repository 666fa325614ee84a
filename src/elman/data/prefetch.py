"""Prefetching: a thread prepares the next items while the current one is in use."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 0.1  # seconds after which a waiting thread checks whether it is still needed


def prefetched(items: Iterable[T], depth: int) -> Iterator[T]:
    """The items in the same order, up to `depth` of them prepared ahead by one thread.

    An error is raised in place of its item. The thread ends with the iterator.

    Example:
        >>> list(prefetched(range(3), 2))
        [0, 1, 2]
    """
    ready: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()

    def put(what: str, item: T | BaseException | None) -> None:
        while not stop.is_set():
            try:
                return ready.put((what, item), timeout=PATIENCE)
            except queue.Full:
                pass

    def prepare() -> None:
        try:
            for item in items:
                put("item", item)
                if stop.is_set():
                    return
            put("end", None)
        except BaseException as error:  # raised where the items are used
            put("error", error)

    thread = threading.Thread(target=prepare, daemon=True)
    thread.start()
    try:
        while True:
            what, item = ready.get()
            if what == "end":
                return
            if what == "error":
                raise item  # type: ignore[misc]
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()
