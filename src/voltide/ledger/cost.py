"""What a stay comes to so far, for a display: the same energies, prices and rounding as its settlement."""

from decimal import Decimal

from voltide.domain.money import Fen, exact_fen, rounded
from voltide.domain.session import Session
from voltide.ledger.metering import by_period
from voltide.ledger.tariff import Tariff


def lines(session: Session, tariff: Tariff) -> tuple[Fen, Fen, Fen]:
    """Energy, service fee, and what is earned by giving back: each rounded once."""
    energy = service = feed_in = Decimal(0)
    for period, flow in by_period(session.readings, tariff).items():
        energy += exact_fen(flow.in_wh, period.charge)
        service += exact_fen(flow.in_wh, tariff.service_fee)
        feed_in += exact_fen(flow.out_wh, period.feed_in)
    return rounded(energy), rounded(service), rounded(feed_in)


def net(session: Session, tariff: Tariff) -> Fen:
    """What the driver would pay if the stay ended now; below zero: would be paid."""
    energy, service, feed_in = lines(session, tariff)
    return energy + service - feed_in


def as_yuan(fen: Fen) -> str:
    """Fen as decimal text.

    >>> as_yuan(1234), as_yuan(-5), as_yuan(0)
    ('12.34', '-0.05', '0.00')
    """
    return str(Decimal(fen).scaleb(-2).quantize(Decimal("0.01")))
