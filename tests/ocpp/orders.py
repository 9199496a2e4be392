"""Any order of the blocks beside sessions that a house may say, and what of it each version of OCPP has words for."""

from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.ocpp.reported import CURVE, HASHES
from tests.ocpp.requested import TARIFF
from tests.ocpp.words import V16, V21, flags, floors, ids, limits, many, maybe, powers, text, times, tokens
from tests.ocpp.words import displays as texts
from tests.ocpp.words import monitors as rules
from voltide.domain import reports, requests
from voltide.domain.messages import Token
from voltide.domain.site import OcppVersion

_FIVE = ["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
_KINDS = ["CSMSRootCertificate", "ManufacturerRootCertificate", "MORootCertificate"]
permits = st.builds(requests.Permit, token=tokens, status=st.sampled_from([*_FIVE, "NoCredit", "Unknown"]), group=maybe(text(20)), until=maybe(times), priority=maybe(st.integers(-9, 9)))  # fmt: skip
paces = st.tuples(maybe(st.integers(0, 9_999)), maybe(ids))
monitors = rules.map(lambda one: replace(one, source="CustomMonitor")) | st.builds(lambda one, pace: replace(one, source="CustomMonitor", stream_s=pace[0], stream_values=pace[1]), rules, paces)  # fmt: skip


def _points(first: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.tuples(first, st.integers(-1_000, 1_000).map(float)), min_size=2, max_size=20).map(tuple)


curves = _points(st.integers(49_000, 51_000).map(lambda mhz: mhz / 1000))
signals = _points(st.integers(-100, 100))
WIDE = {"ceiling_w": 1e6, "floor_w": -1e6}


@cache
def orders() -> st.SearchStrategy[Any]:
    """Any request of 2.1, as the wire can say it to the last digit."""
    share = {"evse": st.integers(1, 9), "transaction_id": text(36), "lease_s": st.integers(1, 9_999), "now": times}
    return st.one_of(
        st.builds(requests.SendTokens, version=st.integers(50, 10**6), whole=st.just(False), permits=many(permits), removed=many(tokens)),
        st.builds(requests.SendTokens, version=st.integers(50, 10**6), whole=st.just(True), permits=many(permits)),
        st.builds(requests.AskListVersion),
        st.builds(requests.ForgetTokens),
        st.builds(requests.Reserve, id=ids, evse=st.integers(0, 9), token=tokens, until=times, group=maybe(text(20))),
        st.builds(requests.EndReservation, id=ids),
        st.builds(requests.TellCost, transaction_id=text(36), total=st.integers(-99_999, 99_999).map(str)),
        st.builds(requests.SetTariff, evse=ids, tariff=st.just(TARIFF)),
        st.builds(requests.ChangeTariff, transaction_id=text(36), tariff=st.just(TARIFF)),
        st.builds(requests.AskSchedule, evse=ids, duration_s=st.integers(0, 86_400)),
        st.builds(requests.AskProfiles, request_id=ids, evse=maybe(ids)),
        st.builds(requests.CapCharger, ceiling_w=limits, now=times),
        st.builds(requests.CapCharger, ceiling_w=maybe(limits), floor_w=floors, now=times),
        st.builds(requests.ShareMode, mode=st.just("ExternalSetpoint"), ceiling_w=limits, floor_w=floors, **share),
        st.builds(requests.ShareMode, mode=st.just("ChargingOnly"), ceiling_w=limits, floor_w=st.just(0.0), **share),
        st.builds(requests.ShareMode, mode=st.sampled_from(["LocalLoadBalancing", "ExternalLimits", "Idle"]), **{name: st.just(value) for name, value in WIDE.items()}, **share),
        st.builds(requests.ShareMode, mode=st.just("CentralFrequency"), setpoint_w=powers, **{name: st.just(value) for name, value in WIDE.items()}, **share),
        st.builds(requests.ShareMode, mode=st.just("LocalFrequency"), baseline_w=powers.filter(lambda power: abs(power) < 9e5), frequency_curve=curves, signal_curve=st.just(()) | signals, **{name: st.just(value) for name, value in WIDE.items()}, **share),
        st.builds(requests.SendSignal, at=times, signal=st.integers(-(2**31), 2**31 - 1)),
        st.builds(requests.AllowTransfer, transaction_id=text(36), modes=st.just(("DC", "DC_BPT"))),
        st.builds(requests.UsePriority, transaction_id=text(36), active=flags),
        st.builds(requests.SetDer, control=st.builds(reports.DerControl, id=text(36), kind=st.sampled_from(["FreqWatt", "VoltVar"]), default=flags, body=st.just(CURVE))),
        st.builds(requests.AskDers, request_id=ids, kind=maybe(st.just("VoltVar")), default=maybe(flags), id=maybe(text(36))),
        st.builds(requests.ClearDer, default=flags, kind=maybe(st.just("VoltVar")), id=maybe(text(36))),
        st.builds(requests.AskSwap, request_id=ids, token=tokens),
        st.builds(requests.SetMonitors, monitors=many(monitors, 1)),
        st.builds(requests.ClearMonitors, ids=many(ids, 1)),
        st.builds(requests.AskMonitors, request_id=ids),
        paces.flatmap(lambda pace: st.builds(requests.AdjustStream, id=ids, interval_s=st.just(pace[0]), values=st.just(pace[1]))),
        st.builds(requests.Show, message=texts),
        st.builds(requests.Hide, id=ids),
        st.builds(requests.AskDisplays, request_id=ids),
        st.builds(requests.AskLog, request_id=ids, location=text(512), kind=st.sampled_from(["DiagnosticsLog", "SecurityLog", "DataCollectorLog"]), oldest=maybe(times), latest=maybe(times)),
        st.builds(requests.UpdateSoftware, request_id=ids, location=text(512), retrieve_at=times, install_at=maybe(times), certificate=text(5500), signature=text(800)),
        st.builds(requests.UpdateSoftware, request_id=ids, location=text(512), retrieve_at=times, install_at=maybe(times)),
        st.builds(requests.GiveCertificate, chain=text(10_000), kind=st.sampled_from(["ChargingStationCertificate", "V2GCertificate"]), request_id=maybe(ids)),
        st.builds(requests.InstallRoot, kind=st.sampled_from(_KINDS), certificate=text(5500)),
        st.builds(requests.AskRoots, kinds=st.lists(st.sampled_from(_KINDS), min_size=1, max_size=1).map(tuple)),
        st.builds(requests.RemoveRoot, hashes=st.just(HASHES)),
        st.builds(requests.ChangeSecret, secret=text(40)),
    )  # fmt: skip


# --- what a version has words for ---

_ONLY_21 = (
    *(requests.SetTariff, requests.ChangeTariff, requests.ShareMode, requests.SendSignal, requests.AllowTransfer),
    *(requests.UsePriority, requests.SetDer, requests.AskDers, requests.ClearDer, requests.AskSwap),
    requests.AdjustStream,
)
_NOT_16 = (
    *(requests.TellCost, requests.AskProfiles, requests.SetMonitors, requests.ClearMonitors, requests.AskMonitors),
    *(requests.Show, requests.Hide, requests.AskDisplays),
)


def order_within(version: OcppVersion, order: Any) -> Any:
    """What a charger of the version reads of an order that is said to it; None: it cannot be said."""
    if version is V21:
        return order
    if isinstance(order, _ONLY_21) or (version is V16 and isinstance(order, _NOT_16)):
        return None
    if isinstance(order, requests.CapCharger) and order.floor_w is not None:
        return None
    return _in_16(order) if version is V16 else _in_201(order)


def _in_201(order: Any) -> Any:
    match order:
        case requests.SetMonitors():
            streamed = any(one.stream_s is not None or one.stream_values is not None for one in order.monitors)
            return None if streamed else order
        case requests.Show():
            return replace(order, message=replace(order.message, others=()))
        case requests.AskLog(kind="DataCollectorLog"):
            return None
        case requests.GiveCertificate():
            return replace(order, request_id=None)
        case _:
            return order


def _in_16(order: Any) -> Any:  # noqa: PLR0911 - one line per order
    match order:
        case requests.SendTokens():
            permits = tuple(_permit(one) for one in order.permits)
            return replace(order, permits=permits, removed=tuple(Token(id=token.id) for token in order.removed))
        case requests.Reserve():
            return replace(order, token=Token(id=order.token.id))
        case requests.AskLog(kind="DiagnosticsLog"):
            return replace(order, request_id=0)
        case requests.AskLog(kind="DataCollectorLog"):
            return None
        case requests.UpdateSoftware(certificate=None):
            later = order.install_at is not None and order.install_at > order.retrieve_at
            return None if later else replace(order, request_id=0, install_at=None)
        case requests.GiveCertificate():
            own = order.kind == "ChargingStationCertificate"
            return replace(order, request_id=None) if own else None
        case requests.InstallRoot(kind="MORootCertificate") | requests.AskRoots(kinds=("MORootCertificate",)):
            return None
        case _:
            return order


def _permit(one: requests.Permit) -> requests.Permit:
    status = one.status if one.status in _FIVE else "Invalid" if one.status == "Unknown" else "Blocked"
    return replace(one, token=Token(id=one.token.id), status=status, priority=None)
