"""Items that a thread prepares while the one before is in use."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 0.1  # seconds after which a thread that waits looks whether it is still wanted


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """What `items` gives, in the same order, up to `depth` of them prepared ahead by one thread.

    An error comes where its item would have come. The thread ends with the iterator.

    Example:
        >>> list(ahead(range(3), 2))
        [0, 1, 2]
    """
    ready: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(depth)
    unwanted = threading.Event()

    def put(what: str, item: T | BaseException | None) -> None:
        while not unwanted.is_set():
            try:
                return ready.put((what, item), timeout=PATIENCE)
            except queue.Full:
                pass

    def prepare() -> None:
        try:
            for item in items:
                put("item", item)
                if unwanted.is_set():
                    return
            put("end", None)
        except BaseException as error:  # carried to where the items are used
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
        unwanted.set()
        thread.join()
