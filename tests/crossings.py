"""``@pytest.mark.ocpp("2.0.1 2.1", "GetLog", …)``: what a test claims to prove must really have crossed a line in it.

A message has crossed when its call got its CALLRESULT, or when it was a SEND that was heard: at either end, whoever is at
the other. Where a test has a version among its parameters, it claims that version only. The claims are the tests that
``docs/ocpp.md`` names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import pytest

from voltide.domain.site import OcppVersion
from voltide.ocpp.connection import Connection
from voltide.ocpp.events import Answered, Called, Streamed
from voltide.ocpp.messages import actions

Crossing: TypeAlias = tuple[OcppVersion, str]


def claims(item: pytest.Item) -> set[Crossing]:
    """What a test says that it proves. Raises ``UsageError`` for what no version has."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    only = {value for value in params.values() if isinstance(value, OcppVersion)}
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
    called: WeakKeyDictionary[Connection, dict[str, str]] = WeakKeyDictionary()
    receive, to_send = Connection.receive, Connection.to_send

    def receiving(self: Connection, text: str | bytes, now: float) -> list[Any]:
        events = receive(self, text, now)
        for event in events:
            if isinstance(event, Called):
                called.setdefault(self, {})[event.id] = event.action
            elif isinstance(event, Answered | Streamed):
                crossed.add((self.version, event.action))
        return events

    def sending(self: Connection) -> list[str]:
        texts = to_send(self)
        for text in texts:
            if text.startswith("[3,"):
                action = called.get(self, {}).get(json.loads(text)[1])
                crossed.update({(self.version, action)} if action is not None else ())
        return texts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "receive", receiving)
        patch.setattr(Connection, "to_send", sending)
        yield crossed


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
