"""A clock that only the test moves."""

from datetime import UTC, datetime, timedelta


class Manual:
    def __init__(self, at: datetime = datetime(2026, 4, 15, tzinfo=UTC)) -> None:
        self.began = at
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def go(self, **span: float) -> None:
        self.seconds += timedelta(**span).total_seconds()
