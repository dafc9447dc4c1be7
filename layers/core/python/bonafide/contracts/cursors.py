"""Cursors: opaque references to where the next page of a list begins."""

import base64
import binascii
import re

from bonafide.contracts.base import IDENTIFIER
from bonafide.errors import InvalidInput, Subject


def to_cursor(after: str) -> str:
    """Returns the cursor of a position."""
    return base64.urlsafe_b64encode(after.encode()).decode()


def from_cursor(cursor: str | None, pattern: str = IDENTIFIER) -> str | None:
    """Returns the position that a cursor stands for; None for the first page.

    Raises:
        InvalidInput: the cursor was not issued by `to_cursor`, or not for this list.
    """
    if cursor is None:
        return None
    try:
        after = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, ValueError):
        after = ""
    if not re.fullmatch(pattern, after):
        raise InvalidInput("cursor_invalid", "The cursor is not one that was issued.", subject=Subject.CURSOR)
    return after
