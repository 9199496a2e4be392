"""Payment at the charger (blocks C18 to C25): terminals settle with their provider, and customers want receipts.

The money of a terminal is the provider's business; here it is kept beside its transaction, so that the books can be
compared. Receipts and VAT numbers are asked of whoever the operator has named; without one, nothing is promised.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from voltide.domain.reports import ReceiptGiven, SettlementTold, VatAsked, VatVerdict
from voltide.domain.site import ChargerId
from voltide.domain.token import Json
from voltide.station.blocks.block import Heard, Kept
from voltide.station.diary import Diary

VAT_NUMBER = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,12}|[0-9A-HJ-NPQRTUWXY]{18}|[0-9A-Z]{15}")
"""A European VAT number, a Chinese unified social credit code, or an older Chinese taxpayer number."""

Receipts: TypeAlias = Callable[[ChargerId, SettlementTold], Awaitable[ReceiptGiven]]
"""Who writes receipts."""
Companies: TypeAlias = Callable[[str], Awaitable[Json | None]]
"""Who knows companies by their VAT number: an address as the specification writes it, or None."""


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


class Payments:
    """What terminals settled."""

    def __init__(self, diary: Diary, office: Office | None = None) -> None:
        self._diary = diary
        self._office = office or Office()

    @property
    def hears(self) -> tuple[type, ...]:
        """Settlements and VAT numbers."""
        return (SettlementTold, VatAsked)

    async def hear(self, charger: ChargerId, fact: SettlementTold | VatAsked, now: datetime) -> Heard:
        """A settlement is kept by its provider's reference, so that one that is told twice is one."""
        del now
        if isinstance(fact, VatAsked):
            return Heard(answer=await self._vat(fact))
        receipt = await self._office.receipts(charger, fact)
        return Heard(answer=receipt, written=(Kept(kind="settlement", key=fact.reference, what=fact),))

    async def _vat(self, asked: VatAsked) -> VatVerdict:
        number = asked.number.replace(" ", "").replace("-", "").upper()
        fits = VAT_NUMBER.fullmatch(number) is not None
        company = await self._office.companies(number) if fits else None
        return VatVerdict(number=asked.number, evse=asked.evse, valid=company is not None, company=company)

    def told(self, charger: ChargerId, fact: SettlementTold | VatAsked) -> None:
        """A payment that was not settled needs a person: the energy has flowed."""
        if isinstance(fact, VatAsked):
            return
        subject = f"{charger} {fact.reference}"
        self._diary.alarm_if(fact.status in {"Rejected", "Failed"}, "payment-failed", subject, fact.info or "")
        self._diary.note(f"payment-{fact.status.lower()}", charger, fact.reference)
