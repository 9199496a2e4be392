"""Dialects to test, and the public schemas that judge what they say."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import ocpp
from hypothesis import strategies as st

from voltide.domain.site import Charger, ChargerId, OcppVersion, V2g
from voltide.ocpp.actions import STREAM
from voltide.ocpp.dialect import Dialect, dialect
from voltide.ocpp.wire import Wire

V16, V201, V21 = OcppVersion
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FOLDERS = {V16: "v16", V201: "v201", V21: "v21"}
ORACLE = Path(ocpp.__file__).parent


def pile(v2g: V2g = V2g.NONE, *, amperes: bool = False) -> Charger:
    return Charger(id=ChargerId("pile"), evses=(), v2g=v2g, amperes=amperes)


def speak(version: OcppVersion, v2g: V2g = V2g.NONE, *, amperes: bool = False) -> Dialect:
    return dialect(version, pile(v2g, amperes=amperes))


@cache
def validator(version: OcppVersion, name: str) -> Any:
    path = ORACLE / FOLDERS[version] / "schemas" / f"{name}.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal))


def official(version: OcppVersion, action: str, message: msgspec.Struct, *, answer: bool = False) -> Any:
    """The message as JSON, after the public schema has agreed with it."""
    alone = version is V16 or action == STREAM
    name = action + ("Response" if answer else "" if alone else "Request")
    text = msgspec.json.encode(message)
    validator(version, name).validate(json.loads(text, parse_float=Decimal))
    return json.loads(text)


def said(version: OcppVersion, wire: Wire) -> Any:
    return official(version, wire.action, wire.request)


powers = st.floats(-600_000, 600_000).map(lambda power: round(power, 1))
