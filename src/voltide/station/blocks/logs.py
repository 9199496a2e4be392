"""Logs and customers' data (block N): how far an upload is, and what a charger knows of one customer, part by part."""

from datetime import datetime

from voltide.domain.reports import CustomerTold, LogTold
from voltide.domain.site import ChargerId
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Quiet

_LOST = frozenset({"BadMessage", "NotSupportedOperation", "PermissionDenied", "UploadFailure", "UploadFailed"})
_MOST_PARTS = 1000


class Logs(Quiet):
    """Every charger's uploads, and its answers about customers."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    @property
    def hears(self) -> tuple[type, ...]:
        """Uploads and parts."""
        return (LogTold, CustomerTold)

    async def hear(self, charger: ChargerId, fact: LogTold | CustomerTold, now: datetime) -> Heard:
        """The newest word of each request; each part of each answer."""
        del charger, now
        if isinstance(fact, LogTold):
            return Heard(written=(Kept(kind="log", key=str(fact.request_id or 0), what=fact),))
        key = f"{fact.request_id}/{min(max(fact.seq_no, 0), _MOST_PARTS):04}"
        return Heard(written=(Kept(kind="customer", key=key, what=fact),))

    def told(self, charger: ChargerId, fact: LogTold | CustomerTold) -> None:
        """An upload that has failed needs a person; one that went well does not any more."""
        if isinstance(fact, CustomerTold):
            return
        if fact.status in _LOST or fact.status == "Uploaded":
            self._ground.diary.alarm_if(fact.status in _LOST, "log-failed", charger, fact.status)
        if fact.status == "Uploaded":
            self._ground.diary.note("log-uploaded", charger)
