"""The skeleton of a JSON text: what is left of it without digits and the letters of hexadecimal numbers.

What a charger says changes in its numbers, moments and ids, and hardly ever in its skeleton. So the slow questions
(is a key told twice, does it nest too deeply) are asked once for each skeleton and not for each message.
"""

import re
from functools import lru_cache

MAX_BYTES = 2_048
"""A longer skeleton is not worth being remembered: the whole memory stays within two MiB."""
MAX_DEPTH = 31

_FLESH = b"0123456789abcdefABCDEF.+-"
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG, _STEP = b"0" * 19, 4
_PERHAPS = b"0" * (19 // _STEP)
_PART = re.compile(rb'"[^"]*"|[{}\[\]:]')


_latest: dict[int, bytes] = {}
"""By its length, the sound skeleton that was seen last: to compare is quicker than to look up."""


def sound(data: bytes) -> bool:
    """Whether valid JSON is surely fit to be kept; False means that somebody has to look at it closely.

    Keys that differ without their flesh differ with it, so one answer holds for all texts of a skeleton. What a
    skeleton cannot tell is asked of the text: a row of digits that may be a number of more than 64 bits.

    >>> sound(b'{"soc":57,"id":"a1"}'), sound(b'{"soc":57,"soc":58}'), sound(b'{"soc":18446744073709551616}')
    (True, False, False)
    """
    bones = data.translate(None, _FLESH)
    if _latest.get(len(bones)) != bones:
        if len(bones) > MAX_BYTES or not _sound(bones):
            return False
        _latest[len(bones)] = bones
    return _PERHAPS not in data[::_STEP].translate(_ZEROS) or _LONG not in data.translate(_ZEROS)


@lru_cache(1_024)
def _sound(bones: bytes) -> bool:
    """Plain ASCII without escapes, every key once in its object, and not too deep."""
    if not bones.isascii() or b"\\" in bones:
        return False
    inside: list[set[bytes]] = []
    before = b""
    for part in _PART.findall(bones):
        if part in {b"{", b"["}:
            inside.append(set())
        elif part in {b"}", b"]"}:
            if not inside:
                return False
            inside.pop()
        elif part == b":":
            if not inside or before in inside[-1]:
                return False
            inside[-1].add(before)
        if len(inside) > MAX_DEPTH:
            return False
        before = part
    return not inside
