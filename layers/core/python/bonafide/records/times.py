"""Times: now, and in stored forms."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the time in UTC."""
    return datetime.now(UTC)


def written(at: datetime | None) -> str | None:
    """Returns a time as ISO 8601 text."""
    return at.isoformat() if at else None


def read(text: str | None) -> datetime | None:
    """Reads what `written` wrote."""
    return datetime.fromisoformat(text) if text else None
