import dataclasses
import inspect
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.backbone.codec import UnknownWordError, decode, encode
from voltide.domain import messages, picture, reports, requests

WORDS = sorted(
    {
        word
        for module in (messages, picture, reports, requests)
        for _, word in inspect.getmembers(module, inspect.isclass)
        if dataclasses.is_dataclass(word)
    },
    key=lambda word: word.__name__,
)

LEAVES: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
    object: st.none() | st.booleans() | st.text(max_size=12),
}


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that stands in a word."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in LEAVES:
        return LEAVES[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        return st.one_of([any_of(part) for part in parts])
    if origin is tuple:
        many = st.lists(any_of(parts[0]), max_size=2).map(tuple)
        return many if parts[-1] is Ellipsis else st.tuples(*map(any_of, parts))
    if origin is dict:
        return st.dictionaries(LEAVES[str], st.none() | st.booleans() | st.integers(-9, 9) | LEAVES[str], max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    return st.builds(kind, **{name: any_of(hint) for name, hint in get_type_hints(kind).items()})


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.__name__)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_every_word_of_the_domain_comes_back_as_it_went(word: type, data: st.DataObject):
    said = data.draw(any_of(word))
    assert decode(encode(said)) == said
    assert type(decode(encode(said))) is word


def test_all_facts_and_orders_are_words():
    assert len(WORDS) > 50


def test_nothing_stands_for_itself():
    assert decode(encode(None)) is None


class Time:
    """A class that only has a word's name."""


@pytest.mark.parametrize("thing", [1, "text", {"is": "Time"}, [], object(), Time(), messages.Moment.STARTED])
def test_what_is_no_word_cannot_travel(thing: object):
    with pytest.raises(UnknownWordError):
        encode(thing)


@pytest.mark.parametrize(
    "data",
    [
        b'{"is":"Nonsense","body":{}}',
        b'{"is":"Time","body":{"now":"yesterday"}}',
        b'{"is":"Time","body":{}}',
        b'{"is":"Time"}',
        b'{"body":{}}',
        b"[]",
        b"{",
        b"",
        b'{"is":"__class__","body":{}}',
    ],
)
def test_what_does_not_fit_is_refused_by_name(data: bytes):
    with pytest.raises((UnknownWordError, msgspec.MsgspecError)):
        decode(data)
