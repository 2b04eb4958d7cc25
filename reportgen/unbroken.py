"""Signals wait for what is not to be left half-way: a report that moves into place, an encoder that would hide them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def unbroken() -> Iterator[None]:
    """SIGINT and SIGTERM that come during the block are minded at its end, where Python minds them at all.

    Not by the mask of the thread: the signal would go to another one, and its handler still run in this.
    """
    if threading.current_thread() is not threading.main_thread():  # where no handler runs
        yield
        return
    came: list[int] = []
    handlers = {each: signal.getsignal(each) for each in _SIGNALS}
    heard = {each: handler for each, handler in handlers.items() if callable(handler)}
    for each in heard:
        signal.signal(each, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for each, handler in heard.items():
            signal.signal(each, handler)
        for number in came:
            signal.raise_signal(number)
