"""Payment at the charger (blocks C18 to C25): terminals settle with their provider, and customers want receipts.

The money of a terminal is the provider's business; here it is kept beside its transaction, so that the books can be
compared. Receipts and VAT numbers are asked of whoever the operator has named; without one, nothing is promised.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import structlog

from voltide.domain.reports import ReceiptGiven, SettlementTold, VatAsked, VatVerdict
from voltide.domain.site import ChargerId
from voltide.domain.token import Json
from voltide.domain.units import Seconds
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Quiet
from voltide.station.diary import Diary

log = structlog.get_logger()

VAT_NUMBER = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,12}|[0-9A-HJ-NPQRTUWXY]{18}|[0-9A-Z]{15}")
"""A European VAT number, a Chinese unified social credit code, or an older Chinese taxpayer number."""

ASKED_S: Seconds = 8.0
"""So long an office is waited for; a charger waits longer."""
_SAD = frozenset({"Failed", "Rejected"})

Receipts: TypeAlias = Callable[[ChargerId, SettlementTold], Awaitable[ReceiptGiven]]
"""Who writes receipts."""
Companies: TypeAlias = Callable[[str], Awaitable[Json | None]]
"""Who knows companies by their VAT number: an address as the specification writes it, or None."""
Stay: TypeAlias = Callable[[ChargerId, str], str | None]
"""The session of a charger's transaction."""


async def no_receipt(_charger: ChargerId, told: SettlementTold) -> ReceiptGiven:
    """Without someone who writes receipts: what the terminal has said itself."""
    return ReceiptGiven(receipt_id=told.receipt_id, receipt_url=told.receipt_url)


async def no_company(_number: str) -> Json | None:
    """Without a register nobody is known, and an invoice is not promised."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The people behind a payment terminal."""

    receipts: Receipts = no_receipt
    companies: Companies = no_company


class Payments(Quiet):
    """What terminals settled."""

    def __init__(self, diary: Diary, office: Office | None = None, stay: Stay = lambda _charger, _name: None) -> None:
        self._diary = diary
        self._office = office or Office()
        self._stay = stay

    @property
    def hears(self) -> tuple[type, ...]:
        """Settlements and VAT numbers."""
        return (SettlementTold, VatAsked)

    async def hear(self, charger: ChargerId, fact: SettlementTold | VatAsked, now: datetime) -> Heard:
        """A settlement is kept by its provider's reference, so that one that is told twice is one."""
        del now
        if isinstance(fact, VatAsked):
            return Heard(answer=await self._vat(fact))
        kept = [Kept(kind="settlement", key=fact.reference, what=fact)]
        stay = self._stay(charger, fact.transaction_id) if fact.transaction_id is not None else None
        if stay is not None:  # so that what a terminal took stands beside what the ledger says of the same stay
            kept.append(Kept(kind="settlement-of", key=stay, what=fact))
        return Heard(answer=await self._receipt(charger, fact), written=tuple(kept))

    async def _receipt(self, charger: ChargerId, fact: SettlementTold) -> ReceiptGiven:
        """An office that fails or is slow costs its receipt, and nothing that was settled."""
        try:
            async with asyncio.timeout(ASKED_S):
                return await self._office.receipts(charger, fact)
        except Exception:
            log.exception("payment.no_receipt", charger=charger, reference=fact.reference)
            return await no_receipt(charger, fact)

    async def _vat(self, asked: VatAsked) -> VatVerdict:
        """An office that fails or is slow knows nobody."""
        number = asked.number.replace(" ", "").replace("-", "").upper()
        company = None
        try:
            async with asyncio.timeout(ASKED_S):
                if VAT_NUMBER.fullmatch(number) is not None:
                    company = await self._office.companies(number)
        except Exception:
            log.exception("payment.no_register")
        return VatVerdict(number=asked.number, evse=asked.evse, valid=company is not None, company=company)

    def told(self, charger: ChargerId, fact: SettlementTold | VatAsked) -> None:
        """A payment that was not settled needs a person: the energy has flowed."""
        if isinstance(fact, VatAsked):
            return
        subject = f"{charger} {fact.reference}"
        self._diary.alarm_if(fact.status in _SAD, "payment-failed", subject, fact.info or "")
        self._diary.note("payment", charger, f"{fact.reference} {fact.status}")
