"""Times in stored forms."""

from datetime import datetime


def written(at: datetime | None) -> str | None:
    """Returns a time as ISO 8601 text."""
    return at.isoformat() if at else None


def read(text: str | None) -> datetime | None:
    """Reads what `written` wrote."""
    return datetime.fromisoformat(text) if text else None
