"""A session's money: what the driver pays for what was taken, and earns for what was given back.

Amounts are positive on the account that receives. Each line is rounded once; a batch sums to zero.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from voltide.domain.money import Fen
from voltide.domain.session import Flag, Session
from voltide.ledger import cost
from voltide.ledger.tariff import Tariff

HELD = frozenset(
    {Flag.ABSURD, Flag.NO_REGISTER, Flag.REGISTER_FELL, Flag.LOST_END, Flag.GAP, Flag.CLOCK, Flag.LOST_START}
)
"""A session with one of these is not billed until its records are whole or a person has looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line of a batch; never changed, only reversed."""

    batch: str
    account: str
    amount_fen: Fen
    kind: str
    source: str
    at: datetime


def settle(session: Session, tariff: Tariff) -> tuple[Posting, ...]:
    """The postings of an ended session; none while something about it is in doubt."""
    if session.ended_at is None or session.flags & HELD:
        return ()
    driver = f"driver:{session.token.id}" if session.token else "driver:unknown"
    energy, service, feed_in = cost.lines(session, tariff)
    lines = (
        (driver, "operator:energy", energy, "energy"),
        (driver, "operator:service", service, "service"),
        ("operator:feed-in", driver, feed_in, "feed-in"),
    )
    batch = f"session:{session.id}"
    return tuple(
        Posting(batch=batch, account=account, amount_fen=amount, kind=kind, source=session.id, at=session.ended_at)
        for payer, payee, fen, kind in lines
        if fen
        for account, amount in ((payer, -fen), (payee, fen))
    )


def yuan(text: str | float) -> Decimal:
    """A price as exact yuan; a float is read as the decimal that it was written as.

    >>> yuan(0.7701)
    Decimal('0.7701')
    """
    return Decimal(str(text))
