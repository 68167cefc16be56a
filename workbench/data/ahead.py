"""What is read piece by piece -> the same pieces, the next of which are read while one is used."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Full, Queue
from typing import TypeVar

_LOOK = 0.1
T = TypeVar("T")


def ahead(items: Iterator[T], most: int = 2) -> Generator[T]:
    """The items in their order, up to `most` of them made by a thread before they are asked for. What making one
    raises is raised where it would have been given. Closed early, it closes `items` and waits for that."""
    made: Queue[tuple[T | None, BaseException | None]] = Queue(most)
    over = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, over), daemon=True)
    thread.start()
    try:
        while True:
            item, ended = made.get()
            if ended is not None:
                break
            yield item  # type: ignore[misc]
        if not isinstance(ended, StopIteration):
            raise ended
    finally:
        over.set()
        thread.join()


def _make(items: Iterator[T], made: Queue[tuple[T | None, BaseException | None]], over: threading.Event) -> None:
    ended: BaseException | None = None
    while ended is None and not over.is_set():
        try:
            item: T | None = next(items)
        except BaseException as error:  # noqa: BLE001 it is raised where the item would have been given
            item, ended = None, error
        _put(made, (item, ended), over)
    if hasattr(items, "close"):
        items.close()


def _put(made: Queue[T], item: T, over: threading.Event) -> None:
    while not over.is_set():
        try:
            made.put(item, timeout=_LOOK)
            return
        except Full:
            continue
