"""Moments as numbers, seconds since 1970, and as text. Pure: nothing here asks a clock, although datetime could."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(text: str) -> float | None:
    """The moment of a time in ISO 8601 or RFC 3339; None if the text is no time, or a time without time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found - _EPOCH).total_seconds() if found.tzinfo else None


def moment_text(moment: float) -> str:
    """The moment in RFC 3339, in UTC and whole seconds: `2026-11-27T10:00:00Z`."""
    found = _EPOCH + timedelta(seconds=int(moment))
    return found.replace(tzinfo=None).isoformat() + "Z"
