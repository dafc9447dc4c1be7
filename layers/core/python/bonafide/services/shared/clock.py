"""Clock of the services."""

from collections.abc import Callable, Sequence
from datetime import datetime

from bonafide.records.times import utc_now

__all__ = ["Clock", "turns", "utc_now"]

type Clock = Callable[[], datetime]


def turns(names: Sequence[str], now: datetime) -> list[str]:
    """Returns names in an order that begins elsewhere every hour, so that a lack of time does not hit the same ones."""
    place = int(now.timestamp() // 3600) * 37 % len(names) if names else 0
    return [*names[place:], *names[:place]]
