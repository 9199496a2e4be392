"""Payloads of every OCPP message, made from the public schemas that ship with the `ocpp` package, and their judge.

Everything is drawn from a `random.Random` that is passed in: the same seed gives the same payloads.
"""

import importlib.util
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

EDITIONS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
STREAM = "NotifyPeriodicEventStream"
"""The one message of 2.1 that has no answer, and no "Request" in its schema's name."""

_DATE_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?(Z|[+-][0-2]\d:[0-5]\d)")
_FORMATS = jsonschema.FormatChecker()
_POOLS: dict[str, tuple[Any, ...]] = {
    "basetime": ("2026-06-01T12:00:00Z",),
    "connectorId": (1,),
    "csr": ("-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----",),
    "evseId": (1,),
    "id": (1, 2),
    "idTag": ("CARD1", "CARD2"),
    "idToken": ("CARD1", "CARD2"),
    "multiplier": (0, 0, 3, -3),
    "transactionId": ("t1", "t2", "7"),
    "unit": ("Wh", "kWh", "W", "Percent"),
    "url": ("https://example.com/ocsp",),
    "vendorId": ("org.example",),
}
"""Words that meet each other again: two messages about the same outlet, car or driver say more than two about none."""


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


@cache
def folder(version: str) -> Path:
    """Where the public schemas of a version lie."""
    spec = importlib.util.find_spec("ocpp")
    if spec is None or spec.origin is None:
        sys.exit("payloads: the package `ocpp` is not installed (pip install -e '.[test]')")
    return Path(spec.origin).parent / EDITIONS[version] / "schemas"


@cache
def schema(version: str, action: str, *, answer: bool = False) -> dict[str, Any]:
    """The public schema of a request or of an answer."""
    bare = version == "1.6" or action == STREAM
    name = f"{action}Response" if answer else action if bare else f"{action}Request"
    found: dict[str, Any] = json.loads((folder(version) / f"{name}.json").read_text(encoding="utf-8-sig"))
    return found


@cache
def actions(version: str) -> tuple[str, ...]:
    """Every action of a version, by name."""
    stems = {path.stem for path in folder(version).glob("*.json")}
    return tuple(sorted({stem.removesuffix("Response").removesuffix("Request") for stem in stems}))


@cache
def _validator(version: str, action: str, *, answer: bool) -> Any:
    text = json.dumps(schema(version, action, answer=answer))
    return jsonschema.Draft7Validator(json.loads(text, parse_float=Decimal), format_checker=_FORMATS)


def flaw(version: str, action: str, text: str | bytes, *, answer: bool = False, tolerant: bool = False) -> str | None:
    """What the public schema has against a payload, or None.

    ``tolerant``: save where a charger is borne with: how it writes a time, what it puts into a vendor's own data, and
    a limit finer than a tenth.
    """
    judge = _validator(version, action, answer=answer)
    try:
        for found in judge.iter_errors(json.loads(text, parse_float=Decimal)):
            if not tolerant or (found.validator not in {"format", "multipleOf"} and "customData" not in found.path):
                return f"{found.json_path}: {found.message}"[:300]
    except ArithmeticError:  # the judge's own division of 1e308 by a tenth
        return None if tolerant else "a number that cannot be divided"
    return None


def payload(version: str, action: str, chance: random.Random, *, answer: bool = False, full: float = 0.3) -> Any:
    """A payload that the schema accepts; ``full`` is the share of the optional fields that it has."""
    whole = schema(version, action, answer=answer)
    return _made(whole, whole.get("definitions", {}), "", chance, full)


def _made(node: dict[str, Any], shared: dict[str, Any], name: str, chance: random.Random, full: float) -> Any:
    if "$ref" in node:
        return _made(shared[node["$ref"].rsplit("/", 1)[-1]], shared, name, chance, full)
    if "enum" in node:
        return chance.choice(node["enum"])
    kind = node.get("type")
    if kind == "object":
        must = node.get("required", ())
        wanted = [key for key in node.get("properties", {}) if key in must or chance.random() < full]
        return {key: _made(node["properties"][key], shared, key, chance, full) for key in wanted}
    if kind == "array":
        least, most = node.get("minItems", 0), node.get("maxItems", 1024)
        count = min(most, max(least, 1 if full in {0.0, 1.0} else chance.choice((1, 1, 1, 2, 3))))
        return [_made(node["items"], shared, name, chance, full) for _ in range(count)]
    return _LEAVES[kind](node, name, chance) if kind in _LEAVES else {}


def _string(node: dict[str, Any], name: str, chance: random.Random) -> str:
    if node.get("format") == "date-time":
        return f"2026-06-01T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z"
    if node.get("format") == "uri":
        return "https://example.com/file"
    words = [word for word in _POOLS.get(name, ()) if isinstance(word, str)]
    if name == "value":
        words = [f"{chance.randrange(10**6) / 10:.1f}"]
    word = chance.choice(words) if words else f"{name}{chance.randrange(9)}"
    return word[: node.get("maxLength", 50)]


def _number(node: dict[str, Any], name: str, chance: random.Random) -> int | float:
    whole = node["type"] == "integer"
    words = [word for word in _POOLS.get(name, ()) if not isinstance(word, str)]
    least, most = node.get("minimum", -(10**5) if node["type"] == "number" else 0), node.get("maximum", 10**6)
    fitting = [word for word in words if least <= word <= most]
    if fitting:
        return chance.choice(fitting)
    value = least + chance.random() * (min(most, least + 10**6) - least)
    return int(value) if whole else round(value, 1)


def _flag(_node: dict[str, Any], _name: str, chance: random.Random) -> bool:
    return chance.random() < 0.5


_LEAVES: dict[str, Callable[[dict[str, Any], str, random.Random], Any]] = {
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": _flag,
}


def filled(version: str, action: str, body: Any, *, answer: bool = False) -> Any:
    """A payload with what its schema takes for said where it is not said."""
    whole = schema(version, action, answer=answer)
    return _filled(whole, whole.get("definitions", {}), body)


def _filled(node: dict[str, Any], shared: dict[str, Any], body: Any) -> Any:
    if "$ref" in node:
        return _filled(shared[node["$ref"].rsplit("/", 1)[-1]], shared, body)
    if isinstance(body, list):
        return [_filled(node["items"], shared, inner) for inner in body]
    if not isinstance(body, dict):
        return body
    known = node.get("properties", {})
    meant = {key: shared.get(inner.get("$ref", "").rsplit("/", 1)[-1], {}) | inner for key, inner in known.items()}
    unsaid = {key: inner["default"] for key, inner in meant.items() if "default" in inner and key not in body}
    return {key: _filled(known.get(key, {}), shared, inner) for key, inner in body.items()} | unsaid


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every part of a payload, the whole first."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*at, index))
