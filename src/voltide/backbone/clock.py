"""The real clock: the one place that asks the machine what time it is."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Wall time in UTC, and a monotonic time that no clock step can move."""

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        """``shift``: how far this clock is ahead of the machine's, for a demo at another time of day."""
        self._shift = shift

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC) + self._shift  # noqa: TID251 - this is the Clock that all others are passed

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()
