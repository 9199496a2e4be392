"""``@pytest.mark.ocpp("2.0.1 2.1", "GetLog", …)``: what a test claims to prove must really have crossed a line in it.

A message has crossed when its call got its CALLRESULT, or when it was a SEND that was heard: at either end, whoever is at
the other. Where a test has a version among its parameters, it claims that version only. The claims are the tests that
``docs/ocpp.md`` names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import pytest

from voltide.domain.site import OcppVersion
from voltide.ocpp.connection import Connection
from voltide.ocpp.events import Answered, Streamed
from voltide.ocpp.messages import Message, actions

Crossing: TypeAlias = tuple[OcppVersion, str]


def claims(item: pytest.Item) -> set[Crossing]:
    """What a test says that it proves. Raises ``UsageError`` for what no version has."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    only = {OcppVersion(value) for value in params.values() if isinstance(value, str) and value in set(OcppVersion)}
    claimed: set[Crossing] = set()
    for mark in item.iter_markers("ocpp"):
        versions, *names = mark.args
        for version in map(OcppVersion, versions.split()):
            unknown = set(names) - set(actions(version))
            if unknown or not names:
                raise pytest.UsageError(f"{item.nodeid} claims {unknown or 'nothing'} of OCPP {version}")
            if not only or version in only:
                claimed |= {(version, name) for name in names}
    return claimed


@contextmanager
def watched() -> Iterator[set[Crossing]]:
    """All that crosses any line meanwhile."""
    crossed: set[Crossing] = set()
    answered: WeakKeyDictionary[Connection, dict[str, str]] = WeakKeyDictionary()
    receive, answer, to_send = Connection.receive, Connection.answer, Connection.to_send

    def receiving(self: Connection, text: str | bytes, now: float) -> list[Any]:
        events = receive(self, text, now)
        crossed.update((self.version, event.action) for event in events if isinstance(event, Answered | Streamed))
        return events

    def answering(self: Connection, who: str, response: Message, *, hold: bool = False) -> str:
        answered.setdefault(self, {})[who] = _answers(self.version)[type(response)]
        return answer(self, who, response, hold=hold)

    def sending(self: Connection) -> list[str]:
        texts = to_send(self)
        for text in texts:
            action = answered.get(self, {}).get(json.loads(text)[1]) if text.startswith("[3,") else None
            if action is not None:
                crossed.add((self.version, action))
        return texts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "receive", receiving)
        patch.setattr(Connection, "answer", answering)
        patch.setattr(Connection, "to_send", sending)
        yield crossed


@cache
def _answers(version: OcppVersion) -> dict[type[Message], str]:
    """Which action a response answers."""
    return {kind: action for action, (_, kind) in actions(version).items() if kind is not None}


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark, for marks are strict."""
    config.addinivalue_line("markers", "ocpp(versions, *actions): these messages cross a line in this test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A claim about what does not exist is an error before anything runs."""
    for item in items:
        claims(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run a test that claims something, and hold it to its word."""
    claimed = claims(item)
    if not claimed:
        return (yield)
    with watched() as crossed:
        result = yield
    missing = ", ".join(f"{version} {action}" for version, action in sorted(claimed - crossed))
    if missing:
        pytest.fail(f"this test claims what never crossed a line in it: {missing}")
    return result
