"""Retries of writes that another writer overtook."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import VersionConflict


def retry_on_conflict[Result](attempts: int, attempt: Callable[[], Result]) -> Result:
    """Repeats an attempt, which reads and then writes, until no other writer overtakes it.

    Args:
        attempts: how often it is tried at most.
        attempt: reads the state anew each time; raises VersionConflict when it was overtaken.

    Raises:
        StoreUnavailable: it was overtaken every time.
    """
    for pause in jittered_pauses(attempts):
        with suppress(VersionConflict):
            return attempt()
        pause()
    raise StoreUnavailable


def jittered_pauses(attempts: int) -> Iterator[Callable[[], None]]:
    """Yields, for each attempt, a pause to take before the next one: full jitter, 5 ms doubling to 200 ms."""
    for attempt in range(attempts):
        longest = min(0.2, 0.005 * 2 ** min(attempt, 10))
        yield partial(time.sleep, random.uniform(0, longest))  # noqa: S311, spreads load, protects nothing
