"""The doorkeeper as a function: whatever is shown to it, only the right proof at the right profile is let in."""

import base64
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.security.clocks import Manual
from voltide.backbone import registry
from voltide.backbone.database import open_database
from voltide.backbone.registry import Book
from voltide.security.identities import Keyring
from voltide.station.admission import Admission, Knock, Locks, identity_of

KEYS = Keyring(b"k" * 32)
SECRET = "5e" * 20


class Door:
    def __init__(self, folder):
        self.engine = open_database(f"sqlite:///{folder / 'station.db'}", durable=False)
        for name, profile in (("V0", 0), ("V1", 1), ("V2", 2), ("V3", 3), ("GONE", 1)):
            row = {"id": name, "secret_mac": KEYS.mac(name, SECRET), "profile": profile, "added_at": 1}
            registry.add(self.engine, row)
        self.clock, self.away = Manual(), []
        book = Book(self.engine)
        self.judge = Admission(Locks(book=book, keys=KEYS, clock=self.clock, served=lambda who: who != "GONE"))
        self.judge.turned_away = self.away.append

    def knock(self, path="/ocpp/V1", authorization=None, address="10.0.0.1", profile=1, certificate=None):
        said = basic("V1", SECRET) if authorization is None else authorization
        return self.judge(
            Knock(path=path, authorization=said, address=address, profile=profile, certificate=certificate)
        )


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode(errors="surrogateescape")).decode()


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    made = Door(tmp_path_factory.mktemp("door"))
    yield made
    made.engine.dispose()


texts = st.text(max_size=40) | st.sampled_from(["V1", "V2", SECRET, "", "..", "V1\0", "V1:", "ｖ1"])


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.builds("{}{}".format, st.sampled_from(["/ocpp/", "/", "", "/ocpp/x/", "/ocpp//"]), texts),
    user=texts, secret=texts, profile=st.integers(0, 3), certificate=st.none() | st.binary(max_size=60),
    header=st.sampled_from(["basic", "raw", "bearer", "twice"]), address=texts,
)  # fmt: skip
def test_only_the_right_proof_at_the_right_profile_is_ever_let_in(
    door, *, path, user, secret, profile, certificate, header, address
):
    said = {
        "basic": basic(user.encode("utf-8", "replace").decode(), secret.encode("utf-8", "replace").decode()),
        "raw": secret,
        "bearer": f"Bearer {secret}",
        "twice": f"Basic {secret} {user}",
    }[header]
    verdict = door.knock(path, said, address, profile, certificate)
    right = (
        (identity_of(path) == "V0" and profile == 0)
        or (identity_of(path) in {"V1", "V2"} and header == "basic" and user == identity_of(path) and secret == SECRET
            and profile == int(str(identity_of(path))[1]))
    )  # fmt: skip
    assert (verdict.identity is not None) is right
    assert right or verdict.status in {401, 404, 429}


def test_the_scheme_of_the_header_is_read_without_regard_to_case_and_the_rest_exactly(door):
    right = basic("V1", SECRET)
    assert door.knock(authorization=right.replace("Basic", "bAsIc")).identity == "V1"
    door.clock.go(minutes=2)
    for wrong in (
        right[:-1],
        right + "A",
        right.replace("Basic ", "Basic"),
        basic("V1", SECRET + " "),
        basic("v1", SECRET),
    ):
        assert door.knock(authorization=wrong, address="10.9.9.9").identity is None
        door.clock.go(minutes=2)


def test_who_is_registered_but_no_charger_of_this_station_is_unknown(door):
    door.clock.go(minutes=2)
    verdict = door.knock("/ocpp/GONE", basic("GONE", SECRET))
    assert verdict.status is HTTPStatus.NOT_FOUND


def test_a_right_proof_is_let_in_after_any_number_of_wrong_ones_from_anywhere(tmp_path):
    door = Door(tmp_path)
    for number in range(500):
        door.knock(authorization=basic("V1", f"guess {number}"), address=f"10.0.{number % 7}.1")
    assert door.knock(address="10.0.0.1").identity == "V1"
    tried = sum(event.kind == "wrong-secret" for event in door.away)
    assert tried == 10  # of one name, in one minute, from however many places
    assert door.judge.arrivals["V1"].secret_mac == KEYS.mac("V1", SECRET)
    door.engine.dispose()


def test_an_arrival_holds_as_long_as_its_proof_does(tmp_path):
    door = Door(tmp_path)
    assert door.judge.holds("V9")  # it did not come by this door
    door.knock()
    assert door.judge.holds("V1")
    registry.promise_secret(door.engine, "V1", KEYS.mac("V1", "new"), 1)
    assert door.judge.holds("V1")
    registry.keep_new_secret(door.engine, "V1", KEYS.mac("V1", "new"))
    assert not door.judge.holds("V1")
    door.knock(authorization=basic("V1", "new"))
    assert door.judge.holds("V1")
    registry.set_profile(door.engine, "V1", 2)
    assert not door.judge.holds("V1")
    door.engine.dispose()


def test_a_move_ends_with_its_time(tmp_path):
    door = Door(tmp_path)
    until = int(door.clock.now().timestamp() * 1000) + 60_000
    registry.allow_profile(door.engine, "V1", 2, until)
    assert door.knock(profile=2).identity == "V1"
    door.clock.go(seconds=61)
    assert door.knock(profile=2).identity is None
    assert door.knock(profile=1).identity == "V1"
    door.engine.dispose()
