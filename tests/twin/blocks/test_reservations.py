"""An outlet kept free for one driver (H)."""

from datetime import timedelta

import pytest

from tests.twin.scene import EVERY, V16, V21, V201, Scene, play
from voltide.domain.messages import ChangeAvailability, Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp


def reserve(scene: Scene, number: int, token: str, evse: int | None = 1, seconds: int = 300, **more: object) -> Json:
    until = stamp(scene.clock.now() + timedelta(seconds=seconds))
    if scene.twin.version is V16:
        return {"connectorId": evse or 0, "expiryDate": until, "idTag": token, "reservationId": number} | more
    who = {"idToken": token, "type": "ISO14443"}
    place = {} if evse is None else {"evseId": evse}
    return {"id": number, "expiryDateTime": until, "idToken": who} | place | more


@pytest.mark.ocpp("1.6 2.0.1 2.1", "ReserveNow")
@EVERY
def test_a_reserved_outlet_says_so_and_serves_only_its_driver(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("ReserveNow", reserve(scene, 11, "HERS")) == "Accepted"
        await scene.wait(2)
        assert scene.state == "Reserved"
        visit = await scene.plug()
        await scene.present("HIS")
        assert visit.refused
        assert not scene.twin.outlets[0].closed
        scene.twin.unplug(1)
        await scene.wait(2)
        assert scene.state == "Reserved"
        await scene.plug()
        await scene.present("HERS")
        assert scene.twin.outlets[0].closed
        told = scene.said("StartTransaction" if version is V16 else "TransactionEvent")
        assert [body["reservationId"] for body in told if "reservationId" in body] == [11]
        scene.twin.unplug(1)
        await scene.wait(2)
        assert scene.state == "Available"

    play(version, name, story)


@EVERY
def test_a_reservation_that_nobody_uses_is_over_in_time(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("ReserveNow", reserve(scene, 12, "HERS", seconds=30)) == "Accepted"
        await scene.wait(40)
        assert scene.state == "Available"
        told = [
            (body["reservationId"], body["reservationUpdateStatus"]) for body in scene.said("ReservationStatusUpdate")
        ]
        assert told == ([] if version is V16 else [(12, "Expired")])

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "CancelReservation")
@EVERY
def test_a_reservation_can_be_cancelled_once(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.call("ReserveNow", reserve(scene, 13, "HERS"))
        assert await scene.status("CancelReservation", {"reservationId": 13}) == "Accepted"
        await scene.wait(2)
        assert scene.state == "Available"
        assert await scene.status("CancelReservation", {"reservationId": 13}) == "Rejected"

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "ReservationStatusUpdate")
@pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
def test_a_reservation_that_cannot_be_kept_is_given_up(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.call("ReserveNow", reserve(scene, 14, "HERS"))
        scene.fault("faulted")
        await scene.wait(3)
        assert [body["reservationUpdateStatus"] for body in scene.said("ReservationStatusUpdate")] == ["Removed"]
        assert await scene.status("ReserveNow", reserve(scene, 15, "HERS")) == "Faulted"

    play(version, name, story)


@EVERY
def test_what_is_taken_or_out_of_service_cannot_be_reserved(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("ReserveNow", reserve(scene, 1, "A", evse=9)) == "Rejected"
        assert await scene.status("ReserveNow", reserve(scene, 1, "A", seconds=-5)) == "Rejected"
        assert await scene.status("ReserveNow", reserve(scene, 1, "A")) == "Accepted"
        assert await scene.status("ReserveNow", reserve(scene, 2, "B")) == "Occupied"
        assert await scene.status("ReserveNow", reserve(scene, 1, "B")) == "Accepted"
        await scene.call("CancelReservation", {"reservationId": 1})
        await scene.order(ChangeAvailability(evse=1, operative=False))
        assert await scene.status("ReserveNow", reserve(scene, 3, "A")) == "Unavailable"
        await scene.order(ChangeAvailability(evse=1, operative=True))
        await scene.park()
        assert await scene.status("ReserveNow", reserve(scene, 3, "A")) == "Occupied"

    play(version, name, story)


def test_a_reservation_for_any_outlet_keeps_the_last_one_free() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("ReserveNow", reserve(scene, 1, "HERS", evse=None)) == "Accepted"
        await scene.wait(2)
        assert scene.state == "Available"
        await scene.park(evse=2)
        assert scene.twin.outlets[1].closed
        await scene.wait(2)
        assert scene.state == "Reserved"
        assert await scene.status("ReserveNow", reserve(scene, 2, "B", evse=None)) == "Occupied"
        visit = await scene.park()
        assert visit.refused
        scene.twin.unplug(1)
        await scene.plug()
        await scene.present("HERS")
        assert scene.twin.outlets[0].closed

    play(V21, "V01", story)


def test_a_group_may_use_its_reservation_and_a_plug_must_fit() -> None:
    async def story(scene: Scene) -> None:
        group = {"groupIdToken": {"idToken": "G", "type": "Central"}}
        wrong = reserve(scene, 1, "HERS", connectorType="sType3")
        assert await scene.status("ReserveNow", wrong) == "Rejected"
        assert await scene.status("ReserveNow", reserve(scene, 1, "HERS", **group)) == "Accepted"
        scene.depot.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"} | group}
        await scene.plug()
        await scene.present("SISTER")
        assert scene.twin.outlets[0].closed

    play(V21, "V01", story)


def test_a_reserved_outlet_is_not_started_from_afar_for_another() -> None:
    async def story(scene: Scene) -> None:
        await scene.call("ReserveNow", reserve(scene, 1, "HERS"))
        await scene.plug()
        start = {"evseId": 1, "remoteStartId": 3, "idToken": {"idToken": "HIS", "type": "Central"}}
        assert await scene.status("RequestStartTransaction", start) == "Rejected"
        start["idToken"] = {"idToken": "HERS", "type": "Central"}
        assert await scene.status("RequestStartTransaction", start) == "Accepted"

    play(V21, "V01", story)
