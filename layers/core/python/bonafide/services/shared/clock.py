"""Clock of the services."""

from collections.abc import Callable
from datetime import UTC, datetime

type Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Returns the time in UTC."""
    return datetime.now(UTC)
