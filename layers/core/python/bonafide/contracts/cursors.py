"""Cursors: opaque references to where the next page of a list begins."""

import base64
import binascii
import re
from collections.abc import Callable

from bonafide.contracts.base import IDENTIFIER
from bonafide.errors import InvalidInput, Subject


def to_cursor(after: str) -> str:
    """Returns the cursor of a position."""
    return base64.urlsafe_b64encode(after.encode()).decode()


def is_identifier(position: str) -> bool:
    """Tells whether a position is an identifier, as in lists of speakers."""
    return re.fullmatch(IDENTIFIER, position) is not None


def from_cursor(cursor: str | None, is_valid: Callable[[str], bool] = is_identifier) -> str | None:
    """Returns the position that a cursor stands for; None for the first page.

    Args:
        cursor: as a request has it.
        is_valid: tells whether a position is one of this list.

    Raises:
        InvalidInput: the cursor was not issued by `to_cursor`, or not for this list.
    """
    if cursor is None:
        return None
    try:
        after = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        after = ""
    if not is_valid(after):
        raise InvalidInput("cursor_invalid", "The cursor is not one that was issued.", subject=Subject.CURSOR)
    return after
