"""The PKI of ISO 15118 beside us: contract certificates for cars, and certificates that chargers show to cars.

None of it is ours to decide. What a car asks through its charger is passed on to one configured address, and the answer
back; without such an address, or without an answer in the time that a car waits, the charger hears that it failed.
"""

from typing import Protocol

import msgspec
import structlog

from voltide.domain.reports import ContractAsked, ContractGiven
from voltide.domain.token import Json
from voltide.security.fetch import NotFetchedError, Question, Reach, ask

log = structlog.get_logger()

LONGEST = 17_000
"""Characters of an answer: the longest that OCPP 2.1 carries."""


class Contracts(Protocol):
    """Gives cars their contracts."""

    async def give(self, asked: ContractAsked) -> ContractGiven:
        """What the PKI says; it never raises."""
        ...


class _Given(msgspec.Struct):
    status: str
    exiResponse: str = ""  # noqa: N815 - a name of OCPP's
    remainingContracts: int | None = None  # noqa: N815 - likewise


_given = msgspec.json.Decoder(_Given)


class NoContracts:
    """There is no such PKI."""

    async def give(self, _asked: ContractAsked) -> ContractGiven:
        """Failed, as the specification has it."""
        return ContractGiven(accepted=False)


class HttpContracts:
    """A PKI behind one https address that speaks JSON in OCPP's own words."""

    def __init__(self, url: str, reach: Reach, authorization: str = "") -> None:
        self._url = url
        self._reach = reach
        self._authorization = authorization

    async def give(self, asked: ContractAsked) -> ContractGiven:
        """Ask, once."""
        body: Json = {"iso15118SchemaVersion": asked.schema, "action": asked.action, "exiRequest": asked.exi}
        if asked.most_chains is not None:
            body |= {"maximumContractCertificateChains": asked.most_chains, "prioritizedEMAIDs": list(asked.emaids)}
        said = Question(
            url=self._url,
            body=msgspec.json.encode(body),
            kind="application/json",
            accept="application/json",
            authorization=self._authorization,
        )
        try:
            given = _given.decode((await ask(said, self._reach)).body)
        except (NotFetchedError, msgspec.MsgspecError, UnicodeError) as error:
            log.warning("contracts.no_answer", why=str(error)[:200])
            return ContractGiven(accepted=False)
        fits = given.status == "Accepted" and 0 < len(given.exiResponse) <= LONGEST
        return ContractGiven(
            accepted=fits, exi=given.exiResponse if fits else "", remaining=given.remainingContracts if fits else None
        )
