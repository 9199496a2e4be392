"""Who may say what before a charger is accepted. Source: OCPP 2.0.1 and 2.1, B02 and B03; OCPP 1.6J, 4.2.

While its acceptance is pending a charger says that it has booted, and what it was asked for; everything else gets
CALLERROR SecurityError (B02.FR.09). We may read and configure it, but start and end nothing. While it is rejected it
says nothing but that it has booted (B03.FR.07), and we say nothing at all (B03.FR.03).
"""

from collections.abc import Container

from voltide.domain.messages import Boot

_ASKED_FOR = frozenset(
    """
    NotifyCustomerInformation NotifyDisplayMessages NotifyMonitoringReport NotifyReport ReportChargingProfiles
    ReportDERControl
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
"""Reports: no charger sends them unasked."""
_ALWAYS = frozenset({"BootNotification", "SecurityEventNotification"})
"""What is heard though nobody has asked. A security event must not be lost, whatever we think of the charger."""
_STARTS_OR_ENDS = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)
_SIGNED = frozenset(
    {
        *("SignChargePointCertificate", "SignChargingStationCertificate", "SignCombinedCertificate"),
        *("SignV2GCertificate", "SignV2G20Certificate"),
    }
)


def may_hear(standing: Boot, action: str, triggered: Container[str] = ()) -> bool:
    """Whether a charger's call is heard, or gets SecurityError; ``triggered`` are the calls that we have asked for.

    >>> may_hear(Boot.PENDING, "NotifyReport"), may_hear(Boot.PENDING, "StatusNotification")
    (True, False)
    >>> may_hear(Boot.PENDING, "StatusNotification", {"StatusNotification"})
    True
    """
    match standing:
        case Boot.ACCEPTED:
            return True
        case Boot.PENDING:
            return action in _ALWAYS or action in _ASKED_FOR or action in triggered
        case Boot.REJECTED:
            return action == "BootNotification"


def may_ask(standing: Boot, action: str) -> bool:
    """Whether we may call a charger so.

    >>> may_ask(Boot.PENDING, "SetVariables"), may_ask(Boot.PENDING, "RequestStartTransaction")
    (True, False)
    """
    match standing:
        case Boot.ACCEPTED:
            return True
        case Boot.PENDING:
            return action not in _STARTS_OR_ENDS
        case Boot.REJECTED:
            return False


def called_for(trigger: str) -> str:
    """The call that a trigger leads to.

    >>> called_for("SignChargingStationCertificate"), called_for("Heartbeat")
    ('SignCertificate', 'Heartbeat')
    """
    return "SignCertificate" if trigger in _SIGNED else trigger
