"""Who may start and stop: the charger's own list, its cache, the groups, and what holds offline (C01 to C16, D)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from voltide.domain.messages import AuthorisationAsked, Json, Moment, Token, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.ocpp.wire import maybe_moment
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box
from voltide.twin.blocks.reservations import Reservations
from voltide.twin.blocks.tariffs import Tariffs
from voltide.twin.blocks.vendors import Terminal
from voltide.twin.variables import Name

_PRE: Name = ("AuthCtrlr", "LocalPreAuthorize", "")
_OFFLINE: Name = ("AuthCtrlr", "LocalAuthorizeOffline", "")
_UNKNOWN: Name = ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "")
_MASTER: Name = ("AuthCtrlr", "MasterPassGroupId", "")
_CACHE: Name = ("AuthCacheCtrlr", "Enabled", "")
_CACHE_S: Name = ("AuthCacheCtrlr", "LifeTime", "")
_LIST: Name = ("LocalAuthListCtrlr", "Enabled", "")
_ENTRIES: Name = ("LocalAuthListCtrlr", "Entries", "")
_STOP: Name = ("TxCtrlr", "StopTxOnInvalidId", "")
MOST = 1000
"""Entries in the list; the cache forgets its oldest beyond as many."""


@dataclass(frozen=True, slots=True)
class Permit:
    """What is known of a token."""

    status: str
    group: str | None = None
    until: datetime | None = None
    evses: frozenset[int] = frozenset()
    """Only there; empty is everywhere."""

    def good(self, evse: int, now: datetime) -> bool:
        """Whether it may charge there now."""
        alive = self.until is None or now < self.until
        return self.status == "Accepted" and alive and (not self.evses or evse in self.evses)


def permit(info: Json) -> Permit:
    """A permit as a message of any version says it."""
    group = info.get("groupIdToken", {}).get("idToken", info.get("parentIdTag"))
    until = maybe_moment(info.get("cacheExpiryDateTime", info.get("expiryDate")))
    return Permit(info["status"], group, until, frozenset(info.get("evseId", ())))


class Tokens(Block):
    """Knows tokens, and judges those held to the reader."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self.version = 0
        self._list: dict[str, Permit] = {}
        self._cache: dict[str, Permit] = {}
        self._stops: dict[int, Token] = {}
        """Tokens that may stop a stay if their group is its own: the station has been asked."""
        box.variables.live[_ENTRIES] = lambda _spot: str(len(self._list))

    # --- a token at the reader ---

    def presented(self, bay: Bay, token: Token, remote_start: int | None = None) -> None:
        """Start with it, or stop, or ask."""
        if bay.visit is None:
            return
        if bay.token is not None and bay.transaction is not None:
            self._to_stop(bay, bay.token, token)
            return
        if remote_start is None and self.box.part(Terminal).locked(bay.number):
            return
        known, now = self.known(token), self.box.clock.now()
        sure = known is not None and known.good(bay.number, now) and self.box.variables.flag(_PRE)
        if not self.box.online:
            bay.wait_for(token, remote_start)
            self.decide_alone(bay)
        elif sure and known is not None:
            bay.wait_for(token, remote_start)
            self._judge(bay, known)
        else:
            bay.wait_for(token, remote_start)
            self.box.tell(AuthorisationAsked(token=token))

    def _to_stop(self, bay: Bay, began: Token, token: Token) -> None:
        """The token that began it ends it; so does one of its group, and the master pass."""
        if token == began:
            bay.stop("StopAuthorized", "Local", token)
            return
        known = self.known(token)
        if known is not None and self._of_group(bay, token, known):
            return
        if known is None and self.box.online and (bay.group is not None or self.box.variables.text(_MASTER)):
            self._stops[bay.number] = token
            self.box.tell(AuthorisationAsked(token=token))

    def _of_group(self, bay: Bay, token: Token, known: Permit) -> bool:
        """Stop when the groups allow it; the master pass stops all that runs (C16, no choice on a display)."""
        if known.status != "Accepted" or known.group is None:
            return False
        if self._is_master(known):
            for one in self.box.bays.values():
                if one.transaction is not None and one.token is not None:
                    one.stop("StopAuthorized", "MasterPass", token)
            return True
        if known.group == bay.group:
            bay.stop("StopAuthorized", "Local", token)
            return True
        return False

    def _is_master(self, known: Permit) -> bool:
        return known.group is not None and known.group == self.box.variables.text(_MASTER)

    def decide_alone(self, bay: Bay) -> None:
        """The station cannot be asked: list and cache decide, and the settings for what they do not know."""
        token, variables = bay.waiting_token, self.box.variables
        if token is None:
            return
        known = self.known(token) if variables.flag(_OFFLINE) else None
        if known is None:
            known = Permit("Accepted" if variables.flag(_UNKNOWN) else "Unknown")
        self._judge(bay, known)

    def _judge(self, bay: Bay, known: Permit) -> None:
        token = bay.waiting_token
        if token is None:
            return
        fine = known.good(bay.number, self.box.clock.now()) and not self._is_master(known)
        if fine and bay.held:
            fine = self.box.part(Reservations).admits(bay, token, known.group)
        bay.judged(valid=fine, group=known.group)

    # --- what the station says of tokens ---

    def heard(self, token: Token, body: Json) -> None:
        """The station's answer to Authorize."""
        known = permit(body.get("idTokenInfo") or body["idTagInfo"])
        self._remember(token, known)
        for bay in self.box.bays.values():
            if bay.waiting_token == token:
                if "tariff" in body:
                    self.box.part(Tariffs).given(token, body["tariff"])
                if "allowedEnergyTransfer" in body:
                    bay.allow(body["allowedEnergyTransfer"])
                self._judge(bay, known)
            if self._stops.get(bay.number) == token:
                del self._stops[bay.number]
                if bay.transaction is not None:
                    self._of_group(bay, token, known)

    def noted(self, fact: TransactionTold, body: Json) -> None:
        """What the answer to a transaction's event says of its token: one that is not good ends what it began."""
        info = body.get("idTokenInfo") or body.get("idTagInfo")
        if info is None or fact.token is None:
            return
        known = permit(info)
        self._remember(fact.token, known)
        for bay in self.box.bays.values():
            if bay.transaction is None or bay.transaction != fact.transaction_id or fact.moment is Moment.ENDED:
                continue
            if known.good(bay.number, self.box.clock.now()):
                bay.group = known.group or bay.group
            elif self.box.variables.flag(_STOP):
                bay.revoked()
            else:
                bay.starved()

    def _remember(self, token: Token, known: Permit) -> None:
        """Into the cache, unless the list knows better."""
        if not self.box.variables.flag(_CACHE) or token.id in self._list:
            return
        life = self.box.variables.whole(_CACHE_S)
        if known.until is None and life:
            known = Permit(known.status, known.group, self.box.clock.now() + timedelta(seconds=life), known.evses)
        self._cache.pop(token.id, None)
        self._cache[token.id] = known
        if len(self._cache) > MOST:
            del self._cache[next(iter(self._cache))]

    def known(self, token: Token) -> Permit | None:
        """What list or cache know of a token; what has expired is not known any more."""
        if self.box.variables.flag(_LIST) and token.id in self._list:
            return self._list[token.id]
        found = self._cache.get(token.id) if self.box.variables.flag(_CACHE) else None
        if found is None or (found.until is not None and self.box.clock.now() >= found.until):
            return None
        return found

    def forget(self, token: Token) -> None:
        """Out of the cache; the list is the station's to change."""
        self._cache.pop(token.id, None)

    # --- the list ---

    def _send(self, body: Json) -> Json:
        """Take a whole list, or changes to the one that is there."""
        old = self.box.version is OcppVersion.V16
        version = int(body["listVersion"] if old else body["versionNumber"])
        whole = body["updateType"] == "Full"
        if old and not self.box.variables.flag(_LIST):
            return {"status": "NotSupported"}
        if version <= 0 or not self.box.variables.flag(_LIST):
            return {"status": "Failed"}
        if not whole and version <= self.version:
            return {"status": "VersionMismatch"}
        rows = body.get("localAuthorizationList", [])
        names = [row["idTag"] if old else row["idToken"]["idToken"] for row in rows]
        infos = [row.get("idTagInfo" if old else "idTokenInfo") for row in rows]
        if len(set(names)) < len(names) or (whole and None in infos):
            return {"status": "Failed"}
        changed = {} if whole else dict(self._list)
        for name, info in zip(names, infos, strict=True):
            changed.pop(name, None)
            if info is not None:
                changed[name] = permit(info)
        if len(changed) > MOST:
            return {"status": "Failed"}
        self._list, self.version = changed, version
        return {"status": "Accepted"}

    def _list_version(self, _body: Json) -> Json:
        """0 where there is no list; in 1.6 also where it is empty."""
        old = self.box.version is OcppVersion.V16
        there = self.box.variables.flag(_LIST) and (bool(self._list) or not old)
        return {"listVersion" if old else "versionNumber": self.version if there else 0}

    def _clear(self, _body: Json) -> Json:
        """Empty the cache; the list stays."""
        if not self.box.variables.flag(_CACHE):
            return {"status": "Rejected"}
        self._cache.clear()
        return {"status": "Accepted"}

    ACTS: ClassVar = {"ClearCache": _clear, "GetLocalListVersion": _list_version, "SendLocalList": _send}
