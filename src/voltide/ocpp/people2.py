"""Customers, displays, reservations, lists of tokens and money at the charger, in OCPP 2 (blocks C, D, H, I, O)."""

from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import Json, Token
from voltide.domain.reports import (
    CustomerTold,
    DisplayMessage,
    DisplaysTold,
    ReservationTold,
    SettlementTold,
    VatAsked,
)
from voltide.domain.requests import (
    AskDisplays,
    AskListVersion,
    ChangeTariff,
    EndReservation,
    ForgetTokens,
    Hide,
    Permit,
    Reserve,
    SendTokens,
    SetTariff,
    Show,
    TellCost,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.wire import Hears, Obeys, Says, Voice, amount, maybe_moment, maybe_stamp, moment, money

V21 = OcppVersion.V21
DriverRequest: TypeAlias = SendTokens | AskListVersion | ForgetTokens | Reserve | EndReservation
DisplayRequest: TypeAlias = Show | Hide | AskDisplays
MoneyRequest: TypeAlias = TellCost | SetTariff | ChangeTariff
_GROUP = "Central"
"""Of which kind a group's token is said to be; nobody reads it."""


# --- tokens ---


def read_token(told: Json) -> Token:
    """A token as OCPP 2 writes it."""
    return Token(id=told["idToken"], kind=told["type"])


def say_token(token: Token | None) -> Json | None:
    """The inverse."""
    return None if token is None else {"idToken": token.id, "type": token.kind}


def say_group(group: str | None) -> Json | None:
    """A group by its token."""
    return None if group is None else {"idToken": group, "type": _GROUP}


def read_group(told: Json) -> str | None:
    """The group of what has one."""
    group: str | None = told.get("groupIdToken", {}).get("idToken")
    return group


# --- what a charger tells ---


def _customer(told: Json, _voice: Voice, _now: datetime) -> CustomerTold:
    more = told.get("tbc", False)
    return CustomerTold(request_id=told["requestId"], data=told["data"], seq_no=told["seqNo"], more=more)


def _say_customer(fact: CustomerTold, _voice: Voice, now: datetime) -> tuple[str, Json]:
    head = {"requestId": fact.request_id, "seqNo": fact.seq_no, "tbc": fact.more, "generatedAt": stamp(now)}
    return "NotifyCustomerInformation", head | {"data": fact.data}


def _displays(told: Json, _voice: Voice, _now: datetime) -> DisplaysTold:
    messages = tuple(_text(item) for item in told.get("messageInfo", ()))
    return DisplaysTold(request_id=told["requestId"], messages=messages, more=told.get("tbc", False))


def _say_displays(fact: DisplaysTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    messages = [_say_text(one, voice) for one in fact.messages] or None
    return "NotifyDisplayMessages", {"requestId": fact.request_id, "tbc": fact.more, "messageInfo": messages}


def _text(item: Json) -> DisplayMessage:
    message = item["message"]
    return DisplayMessage(
        id=item["id"],
        text=message["content"],
        priority=item["priority"],
        format=message["format"],
        language=message.get("language"),
        state=item.get("state"),
        start=maybe_moment(item.get("startDateTime")),
        end=maybe_moment(item.get("endDateTime")),
        transaction_id=item.get("transactionId"),
        evse=item.get("display", {}).get("evse", {}).get("id"),
        others=tuple(item.get("messageExtra", ())),
    )


def _say_text(one: DisplayMessage, voice: Voice) -> Json:
    display = None if one.evse is None else {"name": "Display", "evse": {"id": one.evse}}
    return {
        "id": one.id,
        "priority": one.priority,
        "message": {"format": one.format, "language": one.language, "content": one.text},
        "state": one.state,
        "startDateTime": maybe_stamp(one.start),
        "endDateTime": maybe_stamp(one.end),
        "transactionId": one.transaction_id,
        "display": display,
        "messageExtra": list(one.others) or None if voice.version is V21 else None,
    }


def _reservation(told: Json, _voice: Voice, _now: datetime) -> ReservationTold:
    return ReservationTold(id=told["reservationId"], status=told["reservationUpdateStatus"])


def _say_reservation(fact: ReservationTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    """2.0.1 has no word for a token that came and did not start: it says that the reservation was removed."""
    unknown = fact.status == "NoTransaction" and voice.version is not V21
    status = "Removed" if unknown else fact.status
    return "ReservationStatusUpdate", {"reservationId": fact.id, "reservationUpdateStatus": status}


def _settlement(told: Json, _voice: Voice, now: datetime) -> SettlementTold:
    return SettlementTold(
        reference=told["pspRef"],
        status=told["status"],
        amount=money(told["settlementAmount"]),
        at=moment(told["settlementTime"], now),
        transaction_id=told.get("transactionId"),
        info=told.get("statusInfo"),
        receipt_id=told.get("receiptId"),
        receipt_url=told.get("receiptUrl"),
        vat_number=told.get("vatNumber"),
        company=told.get("vatCompany"),
    )


def _say_settlement(fact: SettlementTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "NotifySettlement", {
        "pspRef": fact.reference,
        "status": fact.status,
        "settlementAmount": amount(fact.amount),
        "settlementTime": stamp(fact.at),
        "transactionId": fact.transaction_id,
        "statusInfo": fact.info,
        "receiptId": fact.receipt_id,
        "receiptUrl": fact.receipt_url,
        "vatNumber": fact.vat_number,
        "vatCompany": fact.company,
    }


def _vat(told: Json, _voice: Voice, _now: datetime) -> VatAsked:
    return VatAsked(number=told["vatNumber"], evse=told.get("evseId"))


def _say_vat(fact: VatAsked, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "VatNumberValidation", {"vatNumber": fact.number, "evseId": fact.evse}


HEAR: Hears = {
    "NotifyCustomerInformation": _customer,
    "NotifyDisplayMessages": _displays,
    "NotifySettlement": _settlement,
    "ReservationStatusUpdate": _reservation,
    "VatNumberValidation": _vat,
}
SAY: Says = {
    CustomerTold: _say_customer,
    DisplaysTold: _say_displays,
    ReservationTold: _say_reservation,
    SettlementTold: _say_settlement,
    VatAsked: _say_vat,
}


# --- what it is asked ---


def say_to_drivers(order: DriverRequest) -> tuple[str, Json]:
    """Tokens and reservations as action and body."""
    match order:
        case SendTokens():
            return "SendLocalList", _say_list(order)
        case AskListVersion():
            return "GetLocalListVersion", {}
        case ForgetTokens():
            return "ClearCache", {}
        case Reserve():
            body = {"id": order.id, "expiryDateTime": stamp(order.until), "evseId": order.evse or None}
            return "ReserveNow", body | {"idToken": say_token(order.token), "groupIdToken": say_group(order.group)}
        case EndReservation():
            return "CancelReservation", {"reservationId": order.id}


def _say_list(order: SendTokens) -> Json:
    entries: list[Json] = [{"idToken": say_token(one.token), "idTokenInfo": _say_permit(one)} for one in order.permits]
    if not order.whole:
        entries += [{"idToken": say_token(token)} for token in order.removed]
    kind = "Full" if order.whole else "Differential"
    return {"versionNumber": order.version, "updateType": kind, "localAuthorizationList": entries or None}


def _say_permit(permit: Permit) -> Json:
    return {
        "status": permit.status,
        "cacheExpiryDateTime": maybe_stamp(permit.until),
        "chargingPriority": permit.priority,
        "groupIdToken": say_group(permit.group),
    }


def say_to_display(order: DisplayRequest, voice: Voice) -> tuple[str, Json]:
    """Texts as action and body."""
    match order:
        case Show():
            return "SetDisplayMessage", {"message": _say_text(order.message, voice)}
        case Hide():
            return "ClearDisplayMessage", {"id": order.id}
        case AskDisplays():
            return "GetDisplayMessages", {"requestId": order.request_id}


def say_of_money(order: MoneyRequest) -> tuple[str, Json]:
    """Costs and tariffs as action and body."""
    match order:
        case TellCost():
            return "CostUpdated", {"transactionId": order.transaction_id, "totalCost": amount(order.total)}
        case SetTariff():
            return "SetDefaultTariff", {"evseId": order.evse, "tariff": order.tariff}
        case ChangeTariff():
            return "ChangeTransactionTariff", {"transactionId": order.transaction_id, "tariff": order.tariff}


def _list(told: Json, _voice: Voice, _now: datetime) -> SendTokens:
    entries = told.get("localAuthorizationList", ())
    return SendTokens(
        version=told["versionNumber"],
        whole=told["updateType"] == "Full",
        permits=tuple(_permit(item) for item in entries if "idTokenInfo" in item),
        removed=tuple(read_token(item["idToken"]) for item in entries if "idTokenInfo" not in item),
    )


def _permit(item: Json) -> Permit:
    info = item["idTokenInfo"]
    return Permit(
        token=read_token(item["idToken"]),
        status=info["status"],
        group=read_group(info),
        until=maybe_moment(info.get("cacheExpiryDateTime")),
        priority=info.get("chargingPriority"),
    )


def _list_version(_told: Json, _voice: Voice, _now: datetime) -> AskListVersion:
    return AskListVersion()


def _forget(_told: Json, _voice: Voice, _now: datetime) -> ForgetTokens:
    return ForgetTokens()


def _reserve(told: Json, _voice: Voice, now: datetime) -> Reserve | None:
    """An outlet, or any; a reservation of a kind of connector has no word."""
    if "connectorType" in told:
        return None
    return Reserve(
        id=told["id"],
        evse=told.get("evseId", 0),
        token=read_token(told["idToken"]),
        until=moment(told["expiryDateTime"], now),
        group=read_group(told),
    )


def _cancel(told: Json, _voice: Voice, _now: datetime) -> EndReservation:
    return EndReservation(id=told["reservationId"])


def _show(told: Json, _voice: Voice, _now: datetime) -> Show:
    return Show(message=_text(told["message"]))


def _hide(told: Json, _voice: Voice, _now: datetime) -> Hide:
    return Hide(id=told["id"])


def _ask_displays(told: Json, _voice: Voice, _now: datetime) -> AskDisplays | None:
    """All texts; a choice among them has no word."""
    return AskDisplays(request_id=told["requestId"]) if not {"id", "priority", "state"} & set(told) else None


def _cost(told: Json, _voice: Voice, _now: datetime) -> TellCost:
    return TellCost(transaction_id=told["transactionId"], total=money(told["totalCost"]))


def _tariff(told: Json, _voice: Voice, _now: datetime) -> SetTariff:
    return SetTariff(evse=told["evseId"], tariff=told["tariff"])


def _other_tariff(told: Json, _voice: Voice, _now: datetime) -> ChangeTariff:
    return ChangeTariff(transaction_id=told["transactionId"], tariff=told["tariff"])


OBEY: Obeys = {
    "CancelReservation": _cancel,
    "ChangeTransactionTariff": _other_tariff,
    "ClearCache": _forget,
    "ClearDisplayMessage": _hide,
    "CostUpdated": _cost,
    "GetDisplayMessages": _ask_displays,
    "GetLocalListVersion": _list_version,
    "ReserveNow": _reserve,
    "SendLocalList": _list,
    "SetDefaultTariff": _tariff,
    "SetDisplayMessage": _show,
}
