"""Feed broken messages of every version to both ends of an OCPP line, and judge all that comes back.

    python -m tools.fuzz --inputs 1000000 --json docs/bench/fuzz.json

First every field of every message in turn, by every mutation; then as many at random, with several flaws at once and
with broken frames. The same seed gives the same inputs. What must hold after each one: nothing was raised, what went
out is a frame that the public schemas accept, and nothing is remembered without a bound.
"""

import argparse
import gc
import json
import os
import platform
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tools import payloads
from tools.mutations import FRAMES, HUGE, SMALL, STRUCTURAL, replaced, said
from voltide.domain import messages as words
from voltide.domain import reports
from voltide.domain.site import Charger, ChargerId, OcppVersion, V2g
from voltide.ocpp import frame
from voltide.ocpp.actions import may_call
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.dialect import dialect
from voltide.ocpp.events import Answered, Called, Hang, Streamed
from voltide.ocpp.faults import DESCRIPTION_MAX, ErrorCode
from voltide.ocpp.messages import actions, decoder
from voltide.ocpp.wire import response

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WIDE = 1024 * 1024
"""Some lines take bigger frames than a station does, so that size itself is tried beyond the cap."""
_CODES = {version: {code.spelled(version) for code in ErrorCode} for version in OcppVersion}


class WrongError(Exception):
    """Something went out that must not."""


@dataclass(slots=True)
class Tally:
    """What was tried, and what was found."""

    inputs: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    """Inputs by version and action."""
    events: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    findings: dict[str, str] = field(default_factory=dict)
    """By where it happened: the first input that did it."""
    slowest_ms: float = 0.0
    slowest: str = ""


class Line:
    """One end of a line under fire. ``charger`` says which end it is."""

    def __init__(self, version: OcppVersion, chance: random.Random, tally: Tally, *, charger: bool, wide: bool) -> None:
        limits = Limits(bytes=WIDE) if wide else Limits()
        self.version, self.charger, self._chance, self._tally = version, charger, chance, tally
        self._limits = limits
        self.connection = Connection(version, charger=charger, limits=limits)
        self._now, self._made = 0.0, 0
        self._tongues = [
            dialect(version, Charger(id=ChargerId("p"), evses=(), v2g=v2g, amperes=v2g is V2g.NONE)) for v2g in V2g
        ]
        self._asked: dict[str, str] = {}
        """Actions by the ids of the other side's calls, for the judge."""

    def ours(self, action: str, body: Any) -> str:
        """Open a call of ours, and tell its id: an answer to it is what comes next."""
        self.connection.close()
        self._made += 1
        who = f"our-{self._made}"
        request = msgspec.convert(body, actions(self.version)[action][0])
        self.connection.call(action, request, who=who, now=self._now)
        self.connection.to_send()
        return who

    def hit(self, text: str | bytes) -> float:
        """One input, and all that an owner of the line would do with it; gives the CPU seconds that this took."""
        self._now += 0.1
        began = time.process_time()
        events = self.connection.receive(text, self._now)
        for event in events:
            self._live(event)
        replies = self.connection.to_send()
        took = time.process_time() - began
        for event in events:
            self._tally.events[type(event).__name__] += 1
            if isinstance(event, Called):
                self._believed(event)
        for reply in replies:
            self._judge(reply)
        if self.connection.deadline is not None and self._now >= self.connection.deadline:
            self.connection.expire(self._now)
        return took

    def _live(self, event: object) -> None:
        tongue = self._chance.choice(self._tongues)
        match event:
            case Called() if self.charger:
                tongue.obey(event.action, event.request, NOON)
                body = payloads.payload(self.version.value, event.action, self._chance, answer=True)
                self.connection.answer(event.id, response(self.version, event.action, body))
            case Called():
                self._answer(tongue, event)
            case Streamed():
                tongue.hear(event.action, event.request, NOON)
            case Answered() if self.charger:
                tongue.learn(event.action, self._request(event.action), event.response, NOON)
            case Answered():
                tongue.outcome(event.action, event.response)
                tongue.variables(event.action, event.response)
            case Hang():
                self.connection.close()
                self.connection = Connection(self.version, charger=self.charger, limits=self._limits)
                self._asked.clear()

    def _believed(self, event: Called) -> None:
        """What is heard without a word about deviations is what the public schema accepts."""
        self._asked[event.id] = event.action
        if not event.deviations:
            complaint = payloads.flaw(self.version.value, event.action, event.payload, tolerant=True)
            if complaint is not None:
                raise WrongError(f"{event.action} was heard although {complaint}")

    def _request(self, action: str) -> Any:
        body = payloads.payload(self.version.value, action, self._chance)
        return msgspec.convert(body, actions(self.version)[action][0])

    def _answer(self, tongue: Any, event: Called) -> None:
        fact = tongue.hear(event.action, event.request, NOON)
        fate = self._chance.random()
        if fate < 0.02:
            self.connection.drop(event.id)
        elif fate < 0.04:
            self.connection.refuse(event.id, self._chance.choice(list(ErrorCode)), "x" * 300)
        else:
            reply = tongue.reply(event.action, event.request, fitting(fact, self._chance), NOON)
            self.connection.answer(event.id, reply, hold=True)
            self.connection.release(event.id)

    def _judge(self, text: str) -> None:
        """What went out is a frame of this version, within the public schema."""
        self._tally.answers += 1
        heard = frame.decode(text, max_bytes=WIDE)
        match heard:
            case frame.CallResult():
                action = self._asked.get(heard.id, payloads.STREAM)
                complaint = None
                if action != payloads.STREAM:
                    complaint = payloads.flaw(self.version.value, action, heard.payload, answer=True)
                if complaint is not None:
                    raise WrongError(f"{action}: {complaint}")
            case frame.CallError() | frame.CallResultError():
                if heard.code not in _CODES[self.version] or len(heard.description) > DESCRIPTION_MAX:
                    raise WrongError(f"an error that is none: {text[:200]}")
                if isinstance(heard, frame.CallResultError) and self.version is not OcppVersion.V21:
                    raise WrongError("a CALLRESULTERROR before 2.1")
            case frame.Call():
                pass  # a call of ours, of which the schema has been asked before
            case _:
                raise WrongError(f"no frame: {heard!r} of {text[:200]}")


def _told(fact: Any, yes: bool) -> words.ChargerAnswer:
    token = words.TokenVerdict(valid=yes) if fact.token is not None else None
    return words.TransactionNoted(transaction_id=fact.transaction_id or "2147483647", token=token)


def _states(fact: Any, yes: bool) -> words.ChargerAnswer:
    state = reports.Revocation.GOOD if yes else reports.Revocation.FAILED
    return reports.ChainStates(states=tuple((state, NOON) for _ in fact.queries))


def _judged(_fact: Any, yes: bool) -> words.ChargerAnswer:
    return reports.Judged(accepted=yes, reason="" if yes else "NotToday")


ANSWERS: dict[type, Callable[[Any, bool], words.ChargerAnswer]] = {
    words.Booted: lambda _, yes: words.Welcome(
        verdict=words.Boot.ACCEPTED if yes else words.Boot.PENDING, now=NOON, interval_s=300
    ),
    words.HeartBeaten: lambda _, __: words.Time(now=NOON),
    words.AuthorisationAsked: lambda _, yes: words.TokenVerdict(valid=yes),
    words.TransactionTold: _told,
    words.SetpointPulled: lambda _, yes: words.SetpointGiven(power_w=-12_345.67 if yes else None),
    reports.StreamOpened: _judged,
    reports.ScheduleTold: _judged,
    reports.CertificateAsked: _judged,
    reports.SettlementTold: lambda _, yes: reports.ReceiptGiven(receipt_id="r1" if yes else None),
    reports.VatAsked: lambda fact, yes: reports.VatVerdict(number=fact.number, valid=yes, evse=fact.evse),
    reports.CertificateStatusAsked: lambda _, yes: reports.CertificateState(ocsp="MA==" if yes else None),
    reports.ChainStatusAsked: _states,
    reports.ContractAsked: lambda _, yes: reports.ContractGiven(accepted=yes, exi="AA==" if yes else ""),
    reports.DataTold: lambda _, yes: reports.DataAnswered(status="Accepted" if yes else "UnknownVendorId"),
}
"""What an owner of the line might answer to a fact; to all others that it was noted."""


def fitting(fact: words.ChargerFact, chance: random.Random) -> words.ChargerAnswer:
    """An answer that an owner might give to a fact."""
    made = ANSWERS.get(type(fact))
    return words.Noted() if made is None else made(fact, chance.random() < 0.5)


class Fuzz:
    """All lines, and the inputs for them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a run must repeat, not surprise
        self.tally = Tally()
        for version in OcppVersion:
            for kinds in actions(version).values():  # each is built when first asked for, which is nobody's input
                [decoder(kind) for kind in kinds if kind is not None]
        self.lines = {
            (version, charger, wide): Line(version, self.chance, self.tally, charger=charger, wide=wide)
            for version in OcppVersion
            for charger in (False, True)
            for wide in (False, True)
        }

    def every_field(self, *, share: float = 1.0) -> None:
        """Each field of each message by each mutation once; with ``share``, that part of them, drawn by chance."""
        for version in OcppVersion:
            for action in payloads.actions(version.value):
                for answer in (False, True)[: 1 if action == payloads.STREAM else 2]:
                    whole = payloads.payload(version.value, action, self.chance, answer=answer, full=1.0)
                    for body in spoilt(whole):
                        if share == 1.0 or self.chance.random() < share:
                            self._send(version, action, body, answer=answer)

    def at_random(self, inputs: int) -> None:
        """So many messages with some flaws each, in frames that are sometimes broken too."""
        every = [(version, action) for version in OcppVersion for action in payloads.actions(version.value)]
        for _ in range(inputs):
            version, action = self.chance.choice(every)
            answer = action != payloads.STREAM and self.chance.random() < 0.4
            body = payloads.payload(version.value, action, self.chance, answer=answer, full=self.chance.random())
            for _ in range(self.chance.choice((0, 0, 1, 1, 1, 2, 3))):
                body = flawed(body, self.chance)
            self._send(version, action, body, answer=answer, frames=self.chance.random() < 0.3)

    def _send(self, version: OcppVersion, action: str, body: Any, *, answer: bool, frames: bool = False) -> None:
        """To the end that hears such a message, mostly; sometimes to the other one."""
        to_charger = not may_call(action, charger=True)
        if action == "DataTransfer":
            to_charger = self.chance.random() < 0.5
        to_charger ^= answer
        wide = self.chance.random() < 0.5
        stray = frames and self.chance.random() < 0.1
        line = self.lines[version, to_charger ^ stray, wide]
        who = f"{'s' if action == payloads.STREAM else 'm'}{self.tally.inputs % 97}"
        try:
            if answer and not stray:
                who = line.ours(action, payloads.payload(version.value, action, self.chance))
            whole = self._frame(who, action, body, answer=answer)
            text = self.chance.choice(FRAMES)(whole, self.chance) if frames else said(whole)
        except Exception as error:  # noqa: BLE001 - a finding, whatever it is
            self._found(error, f"{version} {action}: an own call")
            return
        self.tally.tried[f"{version.value} {action}{' answer' if answer else ''}"] += 1
        self.hit(line, text)

    def _frame(self, who: str, action: str, body: Any, *, answer: bool) -> list[Any]:
        """What a payload travels in: mostly a call or its result, at times an error that carries it."""
        dice = self.chance.random()
        if answer and dice < 0.2:
            return [4 if dice < 0.15 else 5, who, self.chance.choice(list(ErrorCode)).value, "no", body]
        if answer:
            return [3, who, body]
        return [6 if action == payloads.STREAM and dice < 0.7 else 2, who, action, body]

    def hit(self, line: Line, text: str | bytes) -> None:
        """One input to one line; whatever is raised is a finding."""
        self.tally.inputs += 1
        took = 0.0
        try:
            took = line.hit(text)
        except Exception as error:  # noqa: BLE001 - a finding, whatever it is
            self._found(error, f"{line.version.value} {text[:300]!r}")
            line.connection.close()
        if took * 1e3 > self.tally.slowest_ms:
            self.tally.slowest_ms = took * 1e3
            self.tally.slowest = f"{line.version.value} {len(text)} characters: {text[:100]!r}"

    def _found(self, error: Exception, text: str) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno} {type(error).__name__}: {str(error)[:200]}"
        self.tally.findings.setdefault(where, text)


def spoilt(whole: Any) -> Iterator[Any]:
    """A payload with one flaw, for every place in it and every flaw that there is."""
    yield whole
    for place in list(payloads.places(whole))[1:]:
        for value in SMALL:
            yield _with(whole, place, lambda holder, key, value=value: replaced(holder, key, value))
        for change in STRUCTURAL:
            yield _with(whole, place, change)


def flawed(body: Any, chance: random.Random) -> Any:
    """A payload with one flaw more, somewhere."""
    every = [place for place in payloads.places(body) if place]
    if not every:
        return chance.choice(SMALL)
    place = chance.choice(every)
    dice = chance.random()
    if dice < 0.4:
        return _with(body, place, chance.choice(STRUCTURAL))
    value = chance.choice(HUGE) if dice > 0.995 else chance.choice(SMALL)
    return _with(body, place, lambda holder, key: replaced(holder, key, value))


def _with(body: Any, place: tuple[str | int, ...], change: Any) -> Any:
    """A copy, changed at one place; only what leads there is copied."""
    copied = body.copy()
    holder = copied
    for key in place[:-1]:
        if not isinstance(holder[key], dict | list):
            return copied
        holder[key] = holder[key].copy()
        holder = holder[key]
    change(holder, place[-1])
    return copied


def memory_mib() -> float:
    """The memory of this process now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def report(tally: Tally, seconds: float, seed: int, grown_mib: float) -> dict[str, Any]:
    """The run as `docs/bench` keeps it."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "name": "fuzz",
        "figure": len(tally.findings),
        "unit": f"uncaught exceptions or invalid answers in {tally.inputs} inputs",
        "peer": "limit",
        "peer_figure": 0,
        "inputs": tally.inputs,
        "seconds": round(seconds, 1),
        "command": f"python -m tools.fuzz --inputs {tally.inputs} --seed {seed}",
        "answers_judged": tally.answers,
        "events": dict(sorted(tally.events.items())),
        "slowest_cpu_ms": round(tally.slowest_ms, 1),
        "slowest": tally.slowest,
        "memory_grown_mib": round(grown_mib, 1),
        "findings": tally.findings,
        "inputs_by_action": dict(sorted(tally.tried.items())),
        "machine": {
            "cpu": model[0].split(":", 1)[1].strip() if model else platform.processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "date": datetime.now(UTC).date().isoformat(),  # noqa: TID251 - the day of a record, outside the product
    }


def main() -> int:
    """Run, tell, and fail when anything was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    fuzz, began = Fuzz(given.seed), time.monotonic()
    fuzz.every_field(share=min(1.0, given.inputs / 500_000))
    settled = memory_mib()
    while fuzz.tally.inputs < given.inputs:
        fuzz.at_random(min(10_000, given.inputs - fuzz.tally.inputs))
        print(f"\r{fuzz.tally.inputs} inputs, {len(fuzz.tally.findings)} findings", end="", file=sys.stderr, flush=True)
    told = report(fuzz.tally, time.monotonic() - began, given.seed, memory_mib() - settled)
    print(json.dumps({key: value for key, value in told.items() if key != "inputs_by_action"}, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 1 if fuzz.tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
