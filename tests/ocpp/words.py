"""Any fact and any order that a house may say, and what of it each version of OCPP has words for."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.ocpp.reported import COMPANY, CURVE, PROFILE
from voltide.domain import messages as words
from voltide.domain import reports
from voltide.domain.messages import Token
from voltide.domain.reports import CertificateQuery, Place, SwapStep
from voltide.domain.site import OcppVersion

V16, V201, V21 = OcppVersion
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)

times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made aware in the next line
    lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000, tzinfo=UTC)
)
ids = st.integers(0, 2**31 - 1)
powers = st.integers(-6_000_000, 6_000_000).map(lambda tenth: tenth / 10)
limits = st.integers(0, 6_000_000).map(lambda tenth: tenth / 10)
floors = limits.map(lambda power: -power + 0.0)
percents = st.integers(0, 100).map(lambda share: share / 100)
flags = st.booleans()


def text(most: int) -> st.SearchStrategy[str]:
    """Any text, but for halves of characters, which no JSON carries."""
    return st.text(st.characters(exclude_categories=("Cs",)), max_size=min(most, 40))


def maybe(some: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | some


def many(some: st.SearchStrategy[Any], least: int = 0, most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(some, min_size=least, max_size=most).map(tuple)


tokens = st.builds(Token, id=text(20), kind=st.sampled_from(["Central", "eMAID", "ISO14443", "Local"]))
places = st.builds(Place, component=text(50), variable=text(50), evse=maybe(ids), component_instance=maybe(text(50)), variable_instance=maybe(text(50))) | st.builds(Place, component=text(50), variable=text(50), evse=ids, connector=ids)  # fmt: skip
monitors = st.builds(reports.Monitor, id=ids, place=places, kind=st.sampled_from(["UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"]), value=powers, severity=st.integers(0, 9), transaction=flags, source=st.sampled_from(["CustomMonitor", "HardWiredMonitor"]))  # fmt: skip
events = st.builds(reports.MonitoredEvent, id=ids, at=times, place=places, value=text(2500), trigger=st.sampled_from(["Alerting", "Delta", "Periodic"]), kind=st.sampled_from(["HardWiredMonitor", "CustomMonitor"]), cleared=flags, severity=maybe(st.integers(0, 9)), monitor=maybe(ids), cause=maybe(ids), code=maybe(text(50)), info=maybe(text(500)), transaction_id=maybe(text(36)))  # fmt: skip
displays = st.builds(reports.DisplayMessage, id=ids, text=text(512), priority=st.sampled_from(["AlwaysFront", "InFront", "NormalCycle"]), format=st.sampled_from(["ASCII", "HTML", "URI", "UTF8"]), language=maybe(text(8)), state=maybe(st.sampled_from(["Charging", "Faulted", "Idle", "Unavailable"])), start=maybe(times), end=maybe(times), transaction_id=maybe(text(36)), evse=maybe(ids), others=many(st.just({"format": "UTF8", "content": "hi"}), 0, 4))  # fmt: skip
queries = st.builds(CertificateQuery, algorithm=st.sampled_from(["SHA256", "SHA384", "SHA512"]), issuer_name_hash=text(128), issuer_key_hash=text(128), serial=text(40), urls=many(text(500), 1, 1))  # fmt: skip
hashes = queries.map(lambda query: replace(query, urls=()))
steps = st.lists(st.builds(reports.PowerStep, offset_s=st.integers(1, 86_400), power_w=limits), max_size=3).map(lambda later: (reports.PowerStep(offset_s=0, power_w=1.0), *later))  # fmt: skip
controls = st.builds(reports.DerControl, id=text(36), kind=st.just("FreqWatt"), default=flags, superseded=flags, body=st.just(CURVE)) | st.builds(reports.DerControl, id=text(36), kind=st.just("Gradients"), default=st.just(True), body=st.just({"priority": 0, "gradient": 1.0, "softGradient": 2.0}))  # fmt: skip
batteries = st.builds(reports.Battery, evse=ids, serial=text(50), soc=percents, soh=percents, made_at=maybe(times), info=maybe(text(500)))  # fmt: skip
points = st.builds(reports.StreamPoint, at=times, value=text(2500))
anything = st.recursive(st.none() | flags | st.integers(-(2**53), 2**53) | text(40), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text(8), inner, max_size=3), max_leaves=6)  # fmt: skip


@cache
def facts() -> st.SearchStrategy[Any]:
    """Any report of 2.1 but those of sessions."""
    return st.one_of(
        st.builds(reports.FirmwareTold, status=st.sampled_from(["Downloaded", "InstallRebooting", "SignatureVerified", "Idle"]), request_id=maybe(ids), info=maybe(text(20))),
        st.builds(reports.FirmwareTold, status=st.sampled_from(["Published", "InvalidChecksum"]), request_id=maybe(ids), info=maybe(text(20)), published=st.just(True), locations=many(text(512))),
        st.builds(reports.LogTold, status=st.sampled_from(["Idle", "Uploaded", "UploadFailure", "Uploading", "BadMessage"]), request_id=maybe(ids), info=maybe(text(20))),
        st.builds(reports.EventsTold, events=many(events, 1), at=times, seq_no=ids, more=flags),
        st.builds(reports.MonitorsTold, monitors=many(monitors), request_id=ids, seq_no=ids, more=flags),
        st.builds(reports.StreamOpened, id=ids, monitor=ids, interval_s=maybe(st.integers(0, 9_999)), values=maybe(ids)),
        st.builds(reports.StreamClosed, id=ids),
        st.builds(reports.StreamTold, id=ids, points=many(points, 1), pending=ids),
        st.builds(reports.CustomerTold, request_id=ids, data=text(512), seq_no=ids, more=flags),
        st.builds(reports.DisplaysTold, request_id=ids, messages=many(displays), more=flags),
        st.builds(reports.ReservationTold, id=ids, status=st.sampled_from(["Expired", "Removed", "NoTransaction"])),
        st.builds(reports.SettlementTold, reference=text(255), status=st.sampled_from(["Settled", "Canceled", "Rejected", "Failed"]), amount=st.integers(-9_999_999, 9_999_999).map(str), at=times, transaction_id=maybe(text(36)), info=maybe(text(500)), receipt_id=maybe(text(50)), receipt_url=maybe(text(2000)), vat_number=maybe(text(20)), company=maybe(st.just(COMPANY))),
        st.builds(reports.VatAsked, number=text(20), evse=maybe(ids)),
        st.builds(reports.ScheduleTold, evse=st.integers(1, 9), start=times, steps=steps, duration_s=maybe(st.integers(0, 9_999)), selected=maybe(ids), tolerant=maybe(flags)),
        st.builds(reports.PriorityTold, transaction_id=text(36), activated=flags),
        st.builds(reports.ProfilesTold, request_id=ids, source=st.sampled_from(["CSO", "EMS"]), evse=ids, profiles=st.just((PROFILE,)), more=flags),
        st.builds(reports.DerAlarm, control=st.sampled_from(["HFMustTrip", "FreqDroop"]), at=times, fault=maybe(st.just("OverFrequency")), ended=flags, info=maybe(text(200))),
        st.builds(reports.DerStarted, control_id=text(36), started=flags, at=times, superseded=many(text(36), 0, 24)),
        st.builds(reports.DersTold, request_id=ids, controls=st.lists(controls, max_size=4).map(lambda some: tuple(sorted(some, key=lambda one: one.kind))), more=flags),
        st.builds(reports.BatterySwapped, step=st.sampled_from(SwapStep), request_id=ids, token=tokens, batteries=many(batteries, 1)),
        st.builds(reports.CertificateAsked, csr=text(5500), kind=st.sampled_from(["ChargingStationCertificate", "V2GCertificate"]), request_id=maybe(ids), root=maybe(hashes)),
        st.builds(reports.CertificateStatusAsked, query=queries),
        st.builds(reports.ChainStatusAsked, queries=many(queries, 1, 4)),
        st.builds(reports.ContractAsked, schema=text(50), action=st.sampled_from(["Install", "Update"]), exi=text(5600), most_chains=maybe(ids), emaids=many(text(255), 0, 8)),
        st.builds(reports.DataTold, vendor=text(255), message=maybe(text(50)), data=anything),
        st.builds(words.SecurityTold, kind=text(50), at=times, info=maybe(text(255))),
        st.builds(words.LimitTold, source=st.sampled_from(["EMS", "Neighbour"]), evse=maybe(st.integers(1, 9)), limit_w=limits, floor_w=maybe(floors), grid_critical=flags, local_generation=flags),
        st.builds(words.LimitTold, source=st.sampled_from(["EMS", "Neighbour"]), evse=maybe(st.integers(1, 9)), unsaid=flags),
        st.builds(words.SetpointPulled, profile_id=ids),
        st.builds(words.AuthorisationAsked, token=tokens, certificate=maybe(text(5500)), queries=many(queries, 0, 4)),
        st.builds(words.VariablesTold, variables=many(variables()), request_id=ids, seq_no=ids, more=flags),
    )  # fmt: skip


@cache
def variables() -> st.SearchStrategy[words.Variable]:
    """What a report says of a variable; without a kind it says nothing else of it."""
    plain = places.flatmap(
        lambda place: st.builds(
            words.Variable,
            component=st.just(place.component),
            name=st.just(place.variable),
            value=maybe(text(2500)),
            evse=st.just(place.evse),
            connector=st.just(place.connector),
            component_instance=st.just(place.component_instance),
            instance=st.just(place.variable_instance),
            writable=flags,
        )
    )
    return plain | plain.map(
        lambda one: replace(one, kind="decimal", unit="W", lowest=0.0, highest=22_000.0, choices=("a", "b"))
    )


# --- what a version has words for ---

_ONLY_21 = (
    *(reports.StreamOpened, reports.StreamClosed, reports.StreamTold, reports.SettlementTold, reports.VatAsked),
    *(reports.PriorityTold, reports.DerAlarm, reports.DerStarted, reports.DersTold, reports.BatterySwapped),
    *(reports.ChainStatusAsked, words.SetpointPulled),
)
_IN_16 = (
    *(reports.FirmwareTold, reports.LogTold, reports.CertificateAsked, reports.DataTold),
    *(words.SecurityTold, words.AuthorisationAsked),
)


def within(version: OcppVersion, fact: Any) -> Any:
    """What of a fact a version can say; None: nothing."""
    if version is V21:
        return fact
    if isinstance(fact, _ONLY_21) or (version is V16 and not isinstance(fact, _IN_16)):
        return None
    return _in_16(fact) if version is V16 else _in_201(fact)


def _in_201(fact: Any) -> Any:
    match fact:
        case reports.EventsTold():
            return replace(fact, events=tuple(replace(event, severity=None) for event in fact.events))
        case reports.MonitorsTold():
            return replace(fact, monitors=tuple(replace(one, source="CustomMonitor") for one in fact.monitors))
        case reports.DisplaysTold():
            return replace(fact, messages=tuple(replace(message, others=()) for message in fact.messages))
        case reports.ReservationTold():
            return replace(fact, status="Removed" if fact.status == "NoTransaction" else fact.status)
        case words.LimitTold():
            source = "EMS" if fact.source == "EMS" else "Other"
            return replace(fact, source=source, floor_w=None, local_generation=False)
        case _:
            new = {"info", "selected", "tolerant", "most_chains", "emaids", "root"} - _kept(fact)
            return _without(fact, new | ({"request_id"} if isinstance(fact, reports.CertificateAsked) else set()))


def _kept(fact: Any) -> set[str]:
    return {"info"} if isinstance(fact, words.SecurityTold) else set()


def _in_16(fact: Any) -> Any:
    match fact:
        case reports.FirmwareTold(published=True):
            return None
        case reports.CertificateAsked():
            return reports.CertificateAsked(csr=fact.csr) if fact.kind == "ChargingStationCertificate" else None
        case words.AuthorisationAsked():
            return words.AuthorisationAsked(token=Token(id=fact.token.id))
        case reports.DataTold():
            data = fact.data
            return replace(fact, data=data if data is None or isinstance(data, str) else json.dumps(data))
        case words.SecurityTold():
            return fact
        case _:
            return _without(fact, {"info"})


def _without(fact: Any, names: set[str]) -> Any:
    """The fact with these fields as if they had not been said."""
    return replace(fact, **{one.name: one.default for one in fields(fact) if one.name in names})
