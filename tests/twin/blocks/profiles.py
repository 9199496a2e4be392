"""Charging profiles as tests write them."""

from tests.twin.scene import V16, Scene
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp


def profile(
    scene: Scene,
    number: int,
    *periods: Json,
    purpose: str = "TxProfile",
    kind: str = "Absolute",
    schedule: Json | None = None,
    evse: int = 1,
    level: int = 0,
    **more: object,
) -> Json:
    """A SetChargingProfile in the words of the scene's version; periods as (start, limit) or whole."""
    old = scene.twin.version is V16
    rows = [{"startPeriod": 0} | period for period in periods]
    one: Json = {"chargingRateUnit": "W", "chargingSchedulePeriod": rows} | (schedule or {})
    if kind in {"Absolute", "Recurring"}:
        one.setdefault("startSchedule", stamp(scene.clock.now()))
    body: Json = {
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": one if old else [{"id": number} | one],
    }
    body |= {"chargingProfileId": number} if old else {"id": number}
    if purpose == "TxProfile":
        running = scene.depot.guests[scene.twin.charger.id].running[evse]
        body["transactionId"] = int(running) if old else running
    body |= more
    if old:
        return {"connectorId": evse, "csChargingProfiles": body}
    return {"evseId": evse, "chargingProfile": body}


def limits(*rows: tuple[int, float]) -> list[Json]:
    return [{"startPeriod": start, "limit": limit} for start, limit in rows]


async def put(scene: Scene, body: Json) -> str:
    """Set it; gives the status, with the reason where there is one."""
    answer = await scene.call("SetChargingProfile", body)
    reason = answer.get("statusInfo", {}).get("reasonCode")
    return str(answer["status"]) + (f":{reason}" if reason else "")


def station_max(version: OcppVersion) -> str:
    return "ChargePointMaxProfile" if version is V16 else "ChargingStationMaxProfile"
