"""How much a charger takes in one message, read from what it says of itself."""

from collections.abc import Iterable

from voltide.domain.messages import Variable
from voltide.ocpp.wire import Capacity

_PLACES = {
    ("DeviceDataCtrlr", "GetVariables"): "GetVariables",
    ("DeviceDataCtrlr", "SetVariables"): "SetVariables",
    ("LocalAuthListCtrlr", None): "SendLocalList",
    ("MonitoringCtrlr", "ClearVariableMonitoring"): "ClearVariableMonitoring",
    ("MonitoringCtrlr", "SetVariableMonitoring"): "SetVariableMonitoring",
}
"""Where OCPP 2 keeps ItemsPerMessage and BytesPerMessage of which call: component, and instance of the variable."""
_KEYS = {"GetConfigurationMaxKeys": "GetConfiguration", "SendLocalListMaxLength": "SendLocalList"}
"""The configuration keys of 1.6."""
_EXTENSION = frozenset(
    {"AdditionalRootCertificateCheck", "CertificateSignedMaxChainSize", "CertificateStoreMaxLength", "SecurityProfile"}
)
"""Keys that only a 1.6 charger with the security extension has."""


def capacity_of(variables: Iterable[Variable], before: Capacity | None = None) -> Capacity:
    """The capacity that some variables tell, beside what was known before; what makes no sense is as good as not told.

    >>> one = Variable(component="DeviceDataCtrlr", name="ItemsPerMessage", instance="GetVariables", value="16")
    >>> capacity_of([one]).items
    {'GetVariables': 16}
    """
    known = before or Capacity()
    items, bytes_, extended = dict(known.items), dict(known.bytes), known.extended
    for one in variables:
        if one.component == "":
            extended = extended or one.name in _EXTENSION
            _put(items, _KEYS.get(one.name), one.value)
        elif one.name in {"ItemsPerMessage", "BytesPerMessage"}:
            _put(
                items if one.name == "ItemsPerMessage" else bytes_,
                _PLACES.get((one.component, one.instance)),
                one.value,
            )
    return Capacity(items=items, bytes=bytes_, extended=extended)


def _put(limits: dict[str, int], action: str | None, value: str | None) -> None:
    text = (value or "").strip()
    if action is not None and text.isdecimal() and int(text[:9]) > 0:
        limits[action] = int(text[:9])
