"""Maps functions over processes, and shows progress. Runs under Python 3.11 too, which torch has on many machines."""

import ctypes
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

PROCESSES = 2
Given = TypeVar("Given")
Made = TypeVar("Made")


def in_parallel(  # noqa: UP047 - Python 3.11
    label: str, function: Callable[[Given], Made], items: Sequence[Given], processes: int = PROCESSES, at_once: int = 4
) -> list[Made]:
    """Maps over processes of one thread each, in order, with progress on stderr."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        return list(progress(label, pool.map(function, items, chunksize=at_once), len(items)))


def end_with_parent() -> None:
    """Lets the kernel kill this process when its parent ends, so that nothing of a killed run goes on (Linux only).

    prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def progress(  # noqa: UP047 - Python 3.11
    label: str, items: Iterable[Made], total: int
) -> Iterator[Made]:
    """Yields items and shows their count on stderr: on one line of a terminal, on a few lines of a log."""
    is_terminal = sys.stderr.isatty()
    updates, prefix = (100, "\r") if is_terminal else (4, "")
    for count, item in enumerate(items, start=1):
        if count == total or count % max(1, total // updates) == 0:
            end = "" if is_terminal and count < total else "\n"
            sys.stderr.write(f"{prefix}{label} {count}/{total}{end}")
            sys.stderr.flush()
        yield item
