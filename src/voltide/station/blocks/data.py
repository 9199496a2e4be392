"""Data transfer (block P): a vendor's own messages go to whoever has been named for that vendor, and to nobody else."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

import structlog

from voltide.domain.reports import DataAnswered, DataTold
from voltide.domain.site import ChargerId
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Quiet

log = structlog.get_logger()

Hearer: TypeAlias = Callable[[ChargerId, DataTold], Awaitable[DataAnswered | None]]
"""Understands one vendor's messages; None: not this one."""


class VendorData(Quiet):
    """Vendors and their hearers."""

    def __init__(self) -> None:
        self._hearers: dict[str, Hearer] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Every vendor's message."""
        return (DataTold,)

    def register(self, vendor: str, hearer: Hearer) -> None:
        """Name a vendor's hearer. Raises ``ValueError`` when it has one."""
        if vendor in self._hearers:
            raise ValueError(f"{vendor} has a hearer already")
        self._hearers[vendor] = hearer

    async def hear(self, charger: ChargerId, fact: DataTold, now: datetime) -> Heard:
        """An unknown vendor and an unknown message have their own answers; a hearer's fault is a plain no."""
        del now
        hearer = self._hearers.get(fact.vendor)
        if hearer is None:
            return Heard(answer=DataAnswered(status="UnknownVendorId"))
        try:
            answer = await hearer(charger, fact)
        except Exception:
            log.exception("data.hearer_failed", charger=charger, vendor=fact.vendor)
            return Heard(answer=DataAnswered(status="Rejected"))
        if answer is None:
            return Heard(answer=DataAnswered(status="UnknownMessageId"))
        return Heard(answer=answer, written=(Kept(kind="data", key=f"{fact.vendor}/{fact.message}", what=fact),))

    def told(self, charger: ChargerId, fact: DataTold) -> None:
        """Nothing more: its hearer has heard it."""
        del charger, fact
