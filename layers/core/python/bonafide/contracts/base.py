"""Types that requests and answers share."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

IDEMPOTENCY_KEY = "Idempotency-Key"
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
# The range of time where a request states none.
RECENT = timedelta(days=30)
MAX_INLINE_CHARACTERS = 5 * 1024 * 1024  # a function takes 6 MB in all, escaped


def _moment(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", value)):
        return value
    raise PydanticCustomError("moment", "a date and time with its offset is needed, as text of ISO 8601")


def _within_calendar(value: datetime) -> datetime:
    """Refuses times so near to the ends of the calendar that they cannot be computed with."""
    if EARLIEST <= value < LATEST:
        return value
    raise PydanticCustomError("time_out_of_range", "a time from 1970 to 9998 is needed")


def begin_before(end: datetime, begin: datetime | None) -> datetime:
    """Returns where a range of time begins: as stated, else so long before its end that it holds what is recent."""
    return begin or max(end - RECENT, EARLIEST)


# Requests are taken by JSON's own types: a number in quotes, or true for 1, is more likely a mistake than a wish.
Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
RangeLimit = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_within_calendar)]


class Request(BaseModel):
    """Base of requests. Unknown fields are refused, so that a misspelled one is never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def digest(self) -> str:
        """Returns the SHA-256 of the request in its canonical form, hex."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Answer(BaseModel):
    """Base of answers. Clients ignore fields that they do not know, since more may be added."""

    model_config = ConfigDict(frozen=True)
