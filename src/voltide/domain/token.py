"""What a driver holds to a reader, and the shape of a part of a message that has no word of its own."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A part of a message as it stands on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a driver holds to the reader."""

    id: str
    kind: str = "ISO14443"
