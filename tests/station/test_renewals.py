"""Nothing ends unseen: over years of a clock that only the test moves (row 77)."""

import asyncio
from datetime import timedelta

import pytest
from cryptography import x509

from tests.security.clocks import Manual
from tests.security.servers import Ca, pem
from voltide.backbone import registry
from voltide.backbone.database import open_database
from voltide.backbone.store import Store
from voltide.domain.messages import Accepted, Refused, Trigger
from voltide.domain.requests import InstallRoot
from voltide.domain.site import StationId
from voltide.domain.time import millis
from voltide.security.own import OwnAuthority, Terms
from voltide.security.pki import CHARGER
from voltide.station.diary import Diary
from voltide.station.renewals import Renewals


class Town:
    """Chargers that renew when they are asked, as long as they are here and willing."""

    def __init__(self, folder, clock, store):
        self.clock, self.store = clock, store
        self.authority = OwnAuthority(folder / "pki", Terms(organisation="Corner Power"), clock)
        self.diary = Diary(StationId("corner"), clock)
        self.renewals = Renewals(self.authority.chain, store, self.diary, self.order)
        self.asked: list[tuple[str, object]] = []
        self.unwilling: set[str] = set()
        self.trusted: dict[str, set[str]] = {}
        self.serial = 0

    async def order(self, charger, order):
        self.asked.append((charger, order))
        if charger in self.unwilling:
            return Refused(reason="Rejected")
        if isinstance(order, Trigger):
            assert order.message == "SignChargingStationCertificate"
            self.certify(charger)
        if isinstance(order, InstallRoot):
            self.trusted.setdefault(charger, set()).add(order.certificate)
        return Accepted()

    def certify(self, charger, days=365):
        self.serial += 1
        now = self.clock.now()
        row = {
            "serial": f"{self.serial:x}", "charger": charger, "kind": CHARGER, "issued_at": millis(now),
            "not_after": millis(now + timedelta(days=days)), "revoked_at": None, "pem": "",
        }  # fmt: skip
        registry.keep_issued(self.store.engine, row)

    def add(self, charger, profile=3):
        row = {"id": charger, "secret_mac": "0" * 64, "profile": profile, "added_at": 1}
        assert registry.add(self.store.engine, row)
        self.trusted[charger] = set(self.authority.chain())

    @property
    def alarms(self):
        return {(alarm.code, alarm.subject): alarm.detail for alarm in self.diary.alarms}


def told(story):
    async def live(folder):
        clock = Manual()
        engine = open_database(f"sqlite:///{folder / 'station.db'}", durable=False)
        async with Store(engine) as store:
            await story(Town(folder, clock, store), clock)

    return live


def test_a_certificate_is_renewed_in_its_last_tenth_year_after_year_without_an_alarm(tmp_path):
    @told
    async def story(town, clock):
        town.add("V1")
        town.certify("V1")
        for _ in range(3 * 52):
            await town.renewals.look(clock.now(), ["V1"])
            row = registry.issued_to(town.store.engine, "V1")[0]
            assert row["not_after"] > millis(clock.now())
            assert town.alarms == {}
            clock.go(days=7)
        assert 3 <= sum(isinstance(order, Trigger) for _, order in town.asked) <= 4

    asyncio.run(story(tmp_path))


def test_a_charger_that_does_not_renew_is_named_30_7_and_1_days_before_and_asked_once_a_day(tmp_path):
    @told
    async def story(town, clock):
        town.add("V1")
        town.certify("V1")
        town.unwilling.add("V1")
        seen = []
        for hour in range(365 * 24):
            if hour % 6 == 0:
                before = len(town.diary.events)
                await town.renewals.look(clock.now(), ["V1"])
                if ("certificate-ends", "V1") in town.alarms and len(town.diary.events) > before:
                    seen.append(round(365 - hour / 24))
            clock.go(hours=1)
        assert seen == [30, 7, 1]
        assert 35 <= len(town.asked) <= 38
        town.unwilling.clear()
        clock.go(days=1)
        await town.renewals.look(clock.now(), ["V1"])
        await town.renewals.look(clock.now(), ["V1"])
        assert town.alarms == {}

    asyncio.run(story(tmp_path))


def test_a_charger_that_is_away_is_not_asked_and_one_without_a_certificate_is_nobody_s_business(tmp_path):
    @told
    async def story(town, clock):
        town.add("V1")
        town.add("V2", profile=1)
        town.certify("V1")
        clock.go(days=350)
        await town.renewals.look(clock.now(), ["V2"])
        assert town.asked == []
        assert list(town.alarms) == [("certificate-ends", "V1")]

    asyncio.run(story(tmp_path))


def test_a_new_root_goes_to_every_charger_that_comes_by_tls_once_and_who_lacks_it_is_named(tmp_path):
    @told
    async def story(town, clock):
        for name, profile in (("V1", 3), ("V2", 2), ("F1", 1), ("V9", 2)):
            town.add(name, profile)
        here, (first,) = ["V1", "V2", "F1"], town.authority.chain()
        clock.go(days=3650 - 365 + 1)
        for _ in range(300):
            await town.renewals.look(clock.now(), here)
            clock.go(days=1)
        old, new = town.authority.chain()
        assert old == first
        installed = [(name, order.certificate) for name, order in town.asked if isinstance(order, InstallRoot)]
        assert sorted(name for name, _ in installed) == ["V1", "V2"]
        assert {same(one, new) for _, one in installed} == {True}
        assert town.alarms == {}
        clock.go(days=40)
        await town.renewals.look(clock.now(), here)
        assert list(town.alarms) == [("root-missing", "V9")]
        await town.renewals.look(clock.now(), [*here, "V9"])
        assert town.alarms == {}

    asyncio.run(story(tmp_path))


def same(one: str, other: str) -> bool:
    return x509.load_pem_x509_certificate(one.encode()) == x509.load_pem_x509_certificate(other.encode())


@pytest.mark.parametrize(("days", "warned"), [(31.5, False), (29, True), (0.5, True)])
def test_a_certificate_of_a_file_that_the_door_shows_is_warned_of(tmp_path, days, warned):
    leaf = Ca.new().leaf("csms.example", days=400)

    @told
    async def story(town, _clock):
        at = leaf.not_valid_after_utc - timedelta(days=days)
        await town.renewals.look(at, [], [pem(leaf)])
        assert (("certificate-ends", "door") in town.alarms) is warned

    asyncio.run(story(tmp_path))
