"""From a meter's registers to energy per tariff period."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

from voltide.domain.session import Reading
from voltide.domain.time import Interval
from voltide.domain.units import WattHours
from voltide.ledger.tariff import Period, Tariff


@dataclass(slots=True)
class Energy:
    """What flowed each way, in Wh."""

    in_wh: WattHours = 0.0
    out_wh: WattHours = 0.0


def by_period(readings: tuple[Reading, ...], tariff: Tariff) -> dict[Period, Energy]:
    """Energy each way in each period. Between two readings the power is taken as even; a fall counts as nothing."""
    energy: dict[Period, Energy] = defaultdict(Energy)
    for pick, name in ((_import, "in_wh"), (_export, "out_wh")):
        known = [reading for reading in readings if pick(reading) is not None]
        for earlier, later in itertools.pairwise(known):
            rise = (pick(later) or 0.0) - (pick(earlier) or 0.0)
            if rise <= 0.0:
                continue
            span = Interval(earlier.at, later.at)
            if span.seconds <= 0.0:  # a clock that stood still: all of it in one period
                part = energy[tariff.at(later.at)]
                setattr(part, name, getattr(part, name) + rise)
                continue
            for piece, period in tariff.split(span):
                part = energy[period]
                setattr(part, name, getattr(part, name) + rise * piece.seconds / span.seconds)
    return dict(energy)


def _import(reading: Reading) -> WattHours | None:
    return reading.import_wh


def _export(reading: Reading) -> WattHours | None:
    return reading.export_wh
