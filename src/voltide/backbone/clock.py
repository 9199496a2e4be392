"""The real clock: the one place that asks the machine what time it is."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time in UTC, and a monotonic time that no clock step can move."""

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock that all others are passed

    def monotonic(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()
