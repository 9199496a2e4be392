"""What changes how a charger proves who it is, without losing it: a new secret, another security profile, a root.

A charger is never told to go where it has not been let in first. Until it has come by its new way, both ways are good;
when it does not come in time, the old one alone is, and it is told so when it is back. No way leads down, but one that
2.1 knows: from 3 to 2, said aloud by an operator (A05 of OCPP 2.1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from voltide.backbone import registry
from voltide.backbone.store import Row, Store
from voltide.domain.messages import (
    Accepted,
    Ask,
    ChargerOrder,
    GetVariables,
    Json,
    OrderResult,
    Refused,
    Reset,
    SetVariables,
    Trigger,
    Variable,
)
from voltide.domain.requests import InstallRoot
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import millis, moment
from voltide.security.pki import CHARGER
from voltide.station.errands import Done, Errand, Failed, Outcome, Waits
from voltide.station.secrets import Secrets

CSMS_ROOT = "CSMSRootCertificate"
RETURN_WITHIN = timedelta(minutes=15)
"""So long a charger may take to come by its new way."""
OPEN_FOR = timedelta(days=30)
"""A way up that was opened for a charger stays open so long, should the charger be switched off meanwhile."""
CERTIFIED_WITHIN = timedelta(minutes=15)
"""So long it may take to ask for its certificate, and to take it."""
SLOTS = ("1", "2", "3")
V16 = OcppVersion.V16
_PRIORITY = Variable(component="OCPPCommCtrlr", name="NetworkConfigurationPriority", value=None)


class Rotation:
    """``rotate``: a new secret, which only the charger gets to know."""

    def __init__(self, secrets: Secrets, store: Store) -> None:
        self._secrets = secrets
        self._store = store

    async def do(self, errand: Errand, _now: datetime) -> Outcome:
        """Said once. Whatever comes of it, no secret is dead before the charger has come with the other."""
        row = await self._store.read(lambda engine: registry.one(engine, errand.charger))
        if row is None or row["profile"] not in {1, 2}:
            return Failed(detail="it does not come with a password")
        if not await self._store.read(lambda engine: registry.may_promise(engine, errand.charger)):
            return Failed(detail="nobody knows which of its last passwords it has: it must come again first")
        result = await self._secrets.renew(errand.charger, errand.say)
        if isinstance(result, Accepted):
            return Done(detail="taken; the old one is dead once it has come with it")
        if isinstance(result, Refused):
            return Failed(detail=result.reason)
        return Done(detail="not known whether it was taken; both are good until it comes")


class Roots:
    """``root``: trust a root certificate."""

    async def do(self, errand: Errand, _now: datetime) -> Outcome:
        """Each certificate of the body."""
        for pem in errand.body["certificates"]:
            result = await errand.say(InstallRoot(kind=errand.body["kind"], certificate=pem))
            if not isinstance(result, Accepted):
                return Failed(detail=result.reason)
        return Done()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How chargers reach each profile: the address that they are given, and what they must trust for it."""

    urls: Callable[[int], str | None]
    """The address of a profile's listener; None: there is none."""
    roots: Callable[[], tuple[str, ...]]
    organisation: str


class Moves:
    """``move``: come at another security profile. ``body``: ``profile``, and ``lower`` where it is meant."""

    def __init__(self, ways: Ways, store: Store) -> None:
        self._ways = ways
        self._store = store

    async def do(self, errand: Errand, now: datetime) -> Outcome:
        """The next step, by what is on record; so a process that dies in between goes on where it was."""
        to = int(errand.body["profile"])
        row = await self._store.read(lambda engine: registry.one(engine, errand.charger))
        if row is None:
            return Failed(detail="there is no such charger")
        if row["profile"] == to:
            return Done(detail=f"it comes at profile {to}")
        if await self._store.read(lambda engine: registry.may_come(engine, errand.charger, to)) is not None:
            return await self._waits(errand, to, now)
        if errand.version is None:
            return Waits(detail="it is away")
        wrong = self._not_a_way(errand, row["profile"], to)
        return Failed(detail=wrong) if wrong else await self._prepare(errand, to, now)

    def _not_a_way(self, errand: Errand, here: int, to: int) -> str | None:
        if self._ways.urls(to) is None:
            return f"no listener of profile {to} is open"
        if to > here:
            return None
        if (here, to) == (3, 2) and errand.version is OcppVersion.V21 and errand.body.get("lower") is True:
            return None
        return f"profile {to} is below its {here}"

    async def _waits(self, errand: Errand, to: int, now: datetime) -> Outcome:
        """It has been led. It is given up once it has come back by its old way, and had time to come by the new one."""
        told_at = moment(int(str(errand.body.get("told_at", 0))))
        back = errand.version is not None and errand.came is not None and errand.came > told_at
        late = now - told_at > (RETURN_WITHIN if back else OPEN_FOR)
        if not late:
            return Waits(detail=f"it may come at profile {to}; its old way is open to it as well")
        old = errand.body.get("old_priority")
        if isinstance(old, str):
            await errand.say(SetVariables(variables=(_priority(old),)))
        await self._store.read(lambda engine: registry.forbid_profile(engine, errand.charger))
        return Failed(detail=f"it did not come at profile {to}; it goes on as before")

    async def _prepare(self, errand: Errand, to: int, now: datetime) -> Outcome:
        """Trust, certificate, then the way itself; each once."""
        if to >= 2 and not errand.body.get("rooted"):
            for pem in self._ways.roots():
                result = await errand.say(InstallRoot(kind=CSMS_ROOT, certificate=pem))
                if not isinstance(result, Accepted):
                    return _short(result, "the root was not taken")
            await self._note(errand, rooted=True)
        if to == 3 and not await self._certified(errand.charger, now):
            return await self._ask_for_request(errand, now)
        outcome = await (self._lead16(errand, to, now) if errand.version is V16 else self._lead2(errand, to, now))
        if isinstance(outcome, Failed):
            await self._store.read(lambda engine: registry.forbid_profile(engine, errand.charger))
        return outcome

    async def _note(self, errand: Errand, **more: object) -> None:
        """Remember how far it is."""
        errand.body.update(more)
        await self._store.read(lambda engine: registry.rewrite(engine, errand.charger, errand.what, errand.body))

    async def _allow(self, errand: Errand, to: int, now: datetime, old: str | None) -> None:
        """The door first. A way up stays open for long, so that a charger that was away is not lost."""
        await self._note(errand, told_at=millis(now), old_priority=old)
        until = millis(now + (RETURN_WITHIN if errand.body.get("lower") else OPEN_FOR))
        await self._store.read(lambda engine: registry.allow_profile(engine, errand.charger, to, until))

    async def _certified(self, charger: ChargerId, now: datetime) -> bool:
        """Whether it has a certificate of ours that has been given to it."""
        found = await self._store.read(lambda engine: registry.issued_to(engine, charger))
        return any(_good(row, now) for row in found) and await self._store.read(
            lambda engine: registry.was_given(engine, charger, CHARGER)
        )

    async def _ask_for_request(self, errand: Errand, now: datetime) -> Outcome:
        if now - errand.since > CERTIFIED_WITHIN:
            return Failed(detail="it has not asked for a certificate, or not taken one")
        if not errand.body.get("asked"):
            await errand.say(SetVariables(variables=(self._organisation(errand),)))  # some have it from their maker
            result = await errand.say(Trigger(message="SignChargingStationCertificate"))
            if isinstance(result, Refused):
                return Failed(detail=f"it does not ask for a certificate: {result.reason}")
            await self._note(errand, asked=isinstance(result, Accepted))
        return Waits(detail="it has been asked for a request")

    def _organisation(self, errand: Errand) -> Variable:
        """What its requests must name."""
        if errand.version is V16:
            return _variable("", "CpoName", self._ways.organisation)
        return _variable("SecurityCtrlr", "OrganizationName", self._ways.organisation)

    async def _lead16(self, errand: Errand, to: int, now: datetime) -> Outcome:
        """1.6 takes the profile's number alone; where to dial, it must know."""
        await self._allow(errand, to, now, None)
        result = await errand.say(SetVariables(variables=(_variable("", "SecurityProfile", str(to)),)))
        return _short(result, "SecurityProfile")

    async def _lead2(self, errand: Errand, to: int, now: datetime) -> Outcome:
        """A slot of its own for the new way, before the old one, which stays second: so it finds back by itself."""
        old = await self._priority_of(errand)
        await self._allow(errand, to, now, old)
        slot = next(slot for slot in SLOTS if slot != old.split(",")[0])
        first = ",".join([slot, *[one for one in old.split(",") if one and one != slot]])
        network: Json = {"configurationSlot": int(slot), "connectionData": self._connection(errand, to)}
        steps: dict[str, ChargerOrder] = {
            "its network profile": Ask(action="SetNetworkProfile", payload=network),
            "the order of its network profiles": SetVariables(variables=(_priority(first),)),
            "its restart": Reset(),
        }
        for what, order in steps.items():
            result = await errand.say(order)
            if not isinstance(result, Accepted):
                return _short(result, what)
        return Waits(detail="told")

    async def _priority_of(self, errand: Errand) -> str:
        result = await errand.say(GetVariables(variables=(_PRIORITY,)))
        found = result.detail.get("getVariableResult", [{}]) if isinstance(result, Accepted) else [{}]
        value = found[0].get("attributeValue") if found else None
        return value if isinstance(value, str) and value else SLOTS[0]

    def _connection(self, errand: Errand, to: int) -> Json:
        return {
            "ocppVersion": "OCPP21" if errand.version is OcppVersion.V21 else "OCPP20",
            "ocppTransport": "JSON",
            "ocppCsmsUrl": self._ways.urls(to),
            "messageTimeout": 30,
            "securityProfile": to,
            "ocppInterface": str(errand.body.get("interface", "Wired0")),
        }


def _good(row: Row, now: datetime) -> bool:
    return row["kind"] == CHARGER and row["revoked_at"] is None and row["not_after"] > millis(now)


def _variable(component: str, name: str, value: str) -> Variable:
    return Variable(component=component, name=name, value=value)


def _priority(value: str) -> Variable:
    return _variable(_PRIORITY.component, _PRIORITY.name, value)


def _short(result: OrderResult, what: str) -> Outcome:
    """A refusal ends it. No answer ends nothing: many a charger goes at once."""
    if isinstance(result, Refused):
        return Failed(detail=f"{what}: {result.reason}")
    return Waits(detail=what if isinstance(result, Accepted) else f"{what}: no answer")
