"""Says everything that is wrong with a table at once: key, value and what is allowed."""

import math
import re
from collections.abc import Callable
from ipaddress import ip_network
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, UnsetType

from voltide.domain import site
from voltide.security import releases
from voltide.security.fetch import Origin
from voltide.tables import File

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?")
_WORDS = {"str": "text", "float": "a number", "int": "a whole number", "bool": "true or false", "dict": "a table"}


def faults(kind: Any, value: Any, at: str) -> list[str]:
    """Every leaf that does not fit, each with its key, its value and what would."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if not isinstance(value, dict):
            return [f"{at} = {_show(value)}: must be a table"]
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        hints = get_type_hints(kind, include_extras=True)
        found = [
            f"{_join(at, key)} = {_show(value[key])}: no such key here; known are {', '.join(sorted(fields))}"
            for key in value
            if key not in fields
        ]
        for name, field in fields.items():
            if name in value:
                found += faults(hints[field.name], value[name], _join(at, name))
            elif field.required:
                found.append(f"{_join(at, name)} is missing: {_allowed(hints[field.name])}")
        return found
    item_kind = _items(kind)
    if item_kind is not None and isinstance(value, list):
        inner = [fault for place, item in enumerate(value) for fault in faults(item_kind, item, f"{at}[{place}]")]
        if inner:
            return inner
    return _leaf(kind, value, at)


def trust_faults(file: File) -> list[str]:
    """What is wrong with whom a station trusts: addresses, networks, names, keys."""
    pki = file.pki
    found = [] if file.door.listen else ["door.listen = []: must name at least one of open, basic, tls, mutual-tls"]
    for place, url in enumerate(pki.ocsp):
        found += _fails(f"pki.ocsp[{place}] = {url!r}", Origin.of, url)
    for key in ("outside", "v2g_signer", "contracts"):
        url = getattr(pki, key)
        if url and (key != "outside" or "://" in url) and not url.startswith("https://"):
            found.append(f"pki.{key} = {url!r}: must begin with https://")
        elif url and "://" in url:
            found += _fails(f"pki.{key} = {url!r}", Origin.of, url)
    for place, text in enumerate(pki.private_networks):
        found += _fails(f"pki.private_networks[{place}] = {text!r}", ip_network, text)
    bad = [name for name in pki.names if _NAME.fullmatch(name) is None]
    found += [f"pki.names = {name!r}: must be a host name or an address" for name in bad]
    return found + _fails("firmware.approvers", releases.approvers, file.firmware.approvers)


def _fails(what: str, read: Callable[[Any], object], value: object) -> list[str]:
    try:
        read(value)
    except ValueError as error:
        return [f"{what}: {error}"]
    return []


def _leaf(kind: Any, value: Any, at: str) -> list[str]:
    if isinstance(value, float) and math.isnan(value):  # it would pass every bound
        return [f"{at} = nan: must be a number"]
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return [f"{at} = {_show(value)}: {str(error).split(' - at')[0]} ({_allowed(kind)})"]
    return []


def _items(kind: Any) -> Any:
    """What a list is made of; None for what is no list."""
    base = get_args(kind)[0] if getattr(kind, "__metadata__", ()) else kind
    return get_args(base)[0] if get_origin(base) in {list, tuple} else None


def _plain(kind: Any) -> Any:
    """The type without UNSET."""
    if get_origin(kind) in {Union, UnionType}:
        rest = [part for part in get_args(kind) if part is not UnsetType]
        return _plain(rest[0]) if len(rest) == 1 else kind
    return kind


def _allowed(kind: Any) -> str:
    kind = _plain(kind)
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, Meta)]
    if notes and notes[0].description:
        return notes[0].description
    base = get_args(kind)[0] if notes else kind
    if isinstance(base, type) and issubclass(base, site.V2g):
        return "one of " + ", ".join(repr(member.value) for member in base)
    bounds = [
        f"{word} {getattr(notes[0], key)}"
        for key, word in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("pattern", "like"))
        if notes and getattr(notes[0], key) is not None
    ]
    word = getattr(base, "__name__", str(base))
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return "a table"
    return ", ".join([_WORDS.get(word, "a list" if word.startswith(("list", "tuple")) else word), *bounds])


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
