"""One book of tokens: each has its word, chargers' lists follow it, and a blocked card is forgotten everywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.station.blocks.poles import in_house, pole, told
from tests.station.house import until
from voltide.domain.messages import PutPermit
from voltide.domain.requests import Permit
from voltide.domain.token import Token


def permit(card="CARD", status="Accepted", **more):
    return PutPermit(permit=Permit(token=Token(id=card), status=status, **more))


class Box:
    """A charger's own list of tokens, kept as the specification wants."""

    def __init__(self, version="2.1", *, has=0):
        self.old, self.version, self.list, self.forgot = version == "1.6", has, {}, 0
        self.sent = []

    def answers(self):
        return {"GetLocalListVersion": self.tell, "SendLocalList": self.take, "ClearCache": self.forget}

    def tell(self, _body):
        return {"listVersion" if self.old else "versionNumber": self.version}

    def take(self, body):
        self.sent.append(body)
        whole = body["updateType"] == "Full"
        number = body["listVersion" if self.old else "versionNumber"]
        if not whole and number <= self.version:
            return {"status": "VersionMismatch"}
        self.list = {} if whole else self.list
        for item in body.get("localAuthorizationList", []):
            name, info = (
                (item["idTag"], item["idTagInfo"]) if self.old else (item["idToken"]["idToken"], item["idTokenInfo"])
            )
            self.list[name] = info["status"]
        self.version = number
        return {"status": "Accepted"}

    def forget(self, _body):
        self.forgot += 1
        return {"status": "Accepted"}


async def word(one, card="CARD", kind="ISO14443"):
    if one.version == "1.6":
        return (await one.call("Authorize", {"idTag": card}))["idTagInfo"]
    return (await one.call("Authorize", {"idToken": {"idToken": card, "type": kind}}))["idTokenInfo"]


@pytest.mark.ocpp("1.6 2.0.1 2.1", "Authorize")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_token_gets_the_word_that_stands_in_the_book_and_any_other_that_of_the_file(tmp_path, version):
    async def work(house):
        soon = datetime.now(UTC) + timedelta(hours=1)
        await house.order(permit("GOOD", group="FAMILY", until=soon))
        await house.order(permit("BAD", "Blocked"))
        await house.order(permit("LATE", until=datetime(2026, 1, 1, tzinfo=UTC)))
        async with pole(house, "V1", version) as one:
            good = await word(one, "good")
            group = good["parentIdTag"] if version == "1.6" else good["groupIdToken"]["idToken"]
            until_ = good["expiryDate"] if version == "1.6" else good["cacheExpiryDateTime"]
            assert (good["status"], group) == ("Accepted", "FAMILY")
            assert datetime.fromisoformat(until_) <= soon
            assert [(await word(one, card))["status"] for card in ("BAD", "LATE", "STRANGER")] == [
                "Blocked",
                "Expired",
                "Accepted",
            ]

    in_house(tmp_path, work)


def test_a_token_of_the_book_charges_one_car_at_a_time_and_its_own_transaction_goes_on(tmp_path):
    async def work(house):
        await house.order(permit())
        async with pole(house, "V1") as one, pole(house, "V2") as other:
            assert (await one.plug_in())["idTokenInfo"]["status"] == "Accepted"
            assert (await word(other))["status"] == "ConcurrentTx"
            again = await one.event("Updated", "Authorized", idToken={"idToken": "CARD", "type": "ISO14443"})
            assert again["idTokenInfo"]["status"] == "Accepted"
            await one.unplug()
            assert (await word(other))["status"] == "Accepted"

    in_house(tmp_path, work)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "GetLocalListVersion", "SendLocalList", "ClearCache")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_chargers_list_follows_the_book_by_changes_and_a_blocked_card_leaves_its_cache(tmp_path, version):
    async def work(house):
        box = Box(version)
        await house.order(permit("A"))
        async with pole(house, "V1", version, **box.answers()):
            await until(lambda: box.list == {"A": "Accepted"})
            await house.order(permit("B"))
            await until(lambda: box.list == {"A": "Accepted", "B": "Accepted"})
            assert box.sent[-1]["updateType"] == "Differential"
            assert box.forgot == 0
            await house.order(permit("A", "Blocked"))
            await until(lambda: box.list == {"A": "Blocked", "B": "Accepted"})
            assert box.forgot == 1

    in_house(tmp_path, work)


def test_a_list_that_is_not_ours_is_replaced_as_a_whole_and_one_in_step_is_left_alone(tmp_path):
    box = Box()

    async def first(house):
        await house.order(permit("A"))
        box.version, box.list = 77, {"FOREIGN": "Accepted"}
        async with pole(house, "V1", **box.answers()):
            await until(lambda: told(house, "list"))
            assert (box.list, [body["updateType"] for body in box.sent]) == ({"A": "Accepted"}, ["Full"])

    async def second(house):
        async with pole(house, "V1", **box.answers()) as one:
            await until(lambda: one.asked("GetLocalListVersion"))
            await house.order(permit("B"))
            await until(lambda: box.list == {"A": "Accepted", "B": "Accepted"})
            assert [body["updateType"] for body in box.sent] == ["Full", "Differential"]

    in_house(tmp_path, first)
    in_house(tmp_path, second)


def test_a_charger_without_a_list_is_not_pressed(tmp_path):
    async def work(house):
        await house.order(permit("A"))
        async with pole(house, "V1", "1.6", GetLocalListVersion={"listVersion": -1}) as one:
            await until(lambda: one.asked("GetLocalListVersion"))
            await house.order(permit("B"))
            await one.call("Heartbeat", {})
            assert one.asked("SendLocalList") == []

    in_house(tmp_path, work)


def test_a_word_that_is_none_is_refused(tmp_path):
    async def work(house):
        assert (await house.order(permit("A", "Maybe"))).code == "out-of-range"
        async with pole(house, "V1") as one:
            assert (await word(one, "A"))["status"] == "Accepted"

    in_house(tmp_path, work)
