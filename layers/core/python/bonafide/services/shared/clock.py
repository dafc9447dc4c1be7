"""Clock of the services."""

from collections.abc import Callable
from datetime import datetime

from bonafide.records.times import utc_now

__all__ = ["Clock", "utc_now"]

type Clock = Callable[[], datetime]
