"""When an end is near enough to be said, and when a certificate is to be renewed."""

from datetime import datetime, timedelta

WARNINGS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
_YEAR = timedelta(days=365)


def warning(start: datetime, end: datetime, now: datetime) -> timedelta | None:
    """The narrowest warning that an end has come into; of something short-lived, in proportion to its life.

    >>> from datetime import UTC
    >>> new_year = datetime(2026, 1, 1, tzinfo=UTC)
    >>> warning(new_year, new_year + _YEAR, new_year + timedelta(days=340))
    datetime.timedelta(days=30)
    """
    share = min(1.0, (end - start) / _YEAR)
    return next((limit for limit in WARNINGS if end - now <= limit * share), None)


def due(start: datetime, end: datetime, now: datetime) -> bool:
    """Whether it is in its last tenth, and wants renewing."""
    return now >= end - (end - start) / 10
