"""What can be wrong with a message, and the word each version of OCPP has for it."""

import re
from enum import IntEnum, StrEnum

import msgspec

from voltide.domain.site import OcppVersion

DESCRIPTION_MAX = 255


class ErrorCode(StrEnum):
    """Why a CALL is not answered by a result, as OCPP 2 spells it."""

    NOT_IMPLEMENTED = "NotImplemented"
    NOT_SUPPORTED = "NotSupported"
    INTERNAL_ERROR = "InternalError"
    PROTOCOL_ERROR = "ProtocolError"
    SECURITY_ERROR = "SecurityError"
    FORMAT_VIOLATION = "FormatViolation"
    PROPERTY_CONSTRAINT_VIOLATION = "PropertyConstraintViolation"
    OCCURRENCE_CONSTRAINT_VIOLATION = "OccurrenceConstraintViolation"
    TYPE_CONSTRAINT_VIOLATION = "TypeConstraintViolation"
    GENERIC_ERROR = "GenericError"
    MESSAGE_TYPE_NOT_SUPPORTED = "MessageTypeNotSupported"
    RPC_FRAMEWORK_ERROR = "RpcFrameworkError"

    def spelled(self, version: OcppVersion) -> str:
        """The same word in the spelling, and within the vocabulary, of a version."""
        return _IN_16.get(self, self.value) if version is OcppVersion.V16 else self.value


_IN_16 = {
    ErrorCode.FORMAT_VIOLATION: "FormationViolation",
    ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION: "OccurenceConstraintViolation",
    ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED: "GenericError",
    ErrorCode.RPC_FRAMEWORK_ERROR: "FormationViolation",
}
_HEARD = {
    **{code.value: code for code in ErrorCode},
    "FormationViolation": ErrorCode.FORMAT_VIOLATION,
    "OccurenceConstraintViolation": ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION,
}


def heard(word: str) -> ErrorCode:
    """The code that the other side means, in whichever spelling; a word of its own is a GenericError."""
    return _HEARD.get(word, ErrorCode.GENERIC_ERROR)


class Close(IntEnum):
    """WebSocket close codes for what no message can answer."""

    PROTOCOL = 1002
    NOT_TEXT = 1007
    TOO_BIG = 1009


class Violation(msgspec.Struct, frozen=True):
    """How a payload breaks its schema: the code to answer, where, and in which words."""

    code: ErrorCode
    at: str
    text: str


_KINDS = (
    (re.compile(r"missing required field"), ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
    (re.compile(r"`array` of length"), ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION),
    (re.compile(r"contains unknown field"), ErrorCode.FORMAT_VIOLATION),
    (re.compile(r"Invalid enum|of length|[<>]="), ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
    (re.compile(r"out of range"), ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
    (re.compile(r"Expected `"), ErrorCode.TYPE_CONSTRAINT_VIOLATION),
)
_PLACE = re.compile(r" - at `(\$[^`]*)`$")


def violation(error: Exception) -> Violation:
    """A schema error in OCPP's words."""
    text = str(error)
    place = _PLACE.search(text)
    code = next((code for words, code in _KINDS if words.search(text)), ErrorCode.FORMAT_VIOLATION)
    return Violation(code, place[1] if place else "$", text)
