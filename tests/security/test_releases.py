"""Row 62: what two different people have not signed, no charger is ever told to install."""

import ast
import stat
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.security import releases
from voltide.security.releases import Release, Shelf, approved_by, approvers, newer, public, read, sign, write

ANNA, BO, EVE = (Ed25519PrivateKey.generate() for _ in range(3))
KNOWN = approvers([f"anna:{public(ANNA)}", f"bo:{public(BO)}"])
HOUSE = Path(releases.__file__).parents[1]


def page(**more) -> Release:
    said = {
        "vendor": "ACME", "model": "V60", "version": "2.3.1", "sequence": 7,
        "url": "https://acme.example/v60-2.3.1.bin", "sha256": "0" * 64, "certificate": "PEM", "signature": "c2ln",
    }  # fmt: skip
    return Release(**{**said, **more})


def approved(release: Release | None = None) -> Release:
    return sign(sign(release or page(), "anna", ANNA), "bo", BO)


def test_two_different_people_approve_a_release(tmp_path):
    shelf = Shelf(tmp_path, KNOWN)
    release = approved()
    shelf.put(release)
    assert shelf.take(release.id) == release
    assert shelf.all() == [release]
    assert approved_by(release, KNOWN) == ["anna", "bo"]


NOT_ENOUGH = {
    "nobody": page(),
    "one person": sign(page(), "anna", ANNA),
    "one person under two names": sign(sign(page(), "anna", ANNA), "bo", ANNA),
    "one person and a stranger": sign(sign(page(), "anna", ANNA), "eve", EVE),
    "a stranger under a known name": sign(sign(page(), "anna", ANNA), "bo", EVE),
    "two who signed another url": msgspec.structs.replace(approved(), url="https://evil.example/v60-2.3.1.bin"),
    "two who signed another digest": msgspec.structs.replace(approved(), sha256="1" * 64),
    "two who signed another model": msgspec.structs.replace(approved(), model="V61"),
    "two who signed another version": msgspec.structs.replace(approved(), version="9.9.9"),
    "two who signed another certificate": msgspec.structs.replace(approved(), certificate="OTHER"),
    "two whose signatures changed places": msgspec.structs.replace(
        approved(), approvals=dict(zip(("anna", "bo"), reversed(approved().approvals.values()), strict=True))
    ),
    "one person and no signature": msgspec.structs.replace(
        sign(page(), "anna", ANNA), approvals={**sign(page(), "anna", ANNA).approvals, "bo": "!!"}
    ),
}


@pytest.mark.parametrize("name", NOT_ENOUGH)
def test_any_other_approval_is_none(tmp_path, name):
    shelf = Shelf(tmp_path, KNOWN)
    with pytest.raises(ValueError, match="two of"):
        shelf.put(NOT_ENOUGH[name])
    assert list(tmp_path.iterdir()) == []


def test_a_release_that_was_changed_on_the_disk_is_none(tmp_path):
    shelf, release = Shelf(tmp_path, KNOWN), approved()
    shelf.put(release)
    (file,) = tmp_path.iterdir()
    honest = file.read_bytes()
    file.write_bytes(honest.replace(b"acme.example", b"evil.example"))
    with pytest.raises(ValueError, match="has been changed"):
        shelf.take(release.id)
    assert shelf.all() == []
    file.write_bytes(b"{}")
    with pytest.raises(ValueError, match="no release"):
        shelf.take(release.id)


def test_who_is_no_approver_any_more_has_not_approved_it(tmp_path):
    release = approved()
    Shelf(tmp_path, KNOWN).put(release)
    with pytest.raises(ValueError, match="approved by anna"):
        Shelf(tmp_path, approvers([f"anna:{public(ANNA)}"])).take(release.id)


@pytest.mark.parametrize("name", ["../x", "", "x" * 12, "0" * 12, "0" * 11 + "/", "....//....//"])
def test_a_name_that_is_none_finds_nothing(tmp_path, name):
    with pytest.raises(ValueError, match="there is no release"):
        Shelf(tmp_path, KNOWN).take(name)


@pytest.mark.parametrize(
    "lines",
    [
        [f"anna:{public(ANNA)}", f"bo:{public(ANNA)}"], [f"anna:{public(ANNA)}", f"anna:{public(BO)}"], ["anna"],
        ["anna:"], ["anna:AAAA"], [f":{public(ANNA)}"], [f"an na:{public(ANNA)}"], ["anna:!!!"],
    ],
)  # fmt: skip
def test_one_key_has_one_name_and_one_name_one_key(lines):
    with pytest.raises(ValueError, match=r".+"):
        approvers(lines)


@pytest.mark.parametrize(
    ("new", "old", "comes_after"),
    [
        ("2.3.1", "2.3.0", True), ("2.10", "2.9.9", True), ("v3", "2.9", True), ("2.3.1", "2.3.1", False),
        ("2.3.1", "2.3.2", False), ("2.0", "2", False), ("2", "2.0.0", False), ("2.0.1", "2", True),
        ("2.3.1", "beta", False), ("2024-01", "1.0", False), ("2.3.1", "", False), ("2.3.1", "2.3.1-rc1", False),
    ],
)  # fmt: skip
def test_a_charger_never_goes_back(new, old, comes_after):
    assert newer(page(version=new), old) is comes_after


def test_where_numbers_do_not_tell_the_page_itself_must_say_what_it_replaces():
    assert newer(page(version="Q3-final", replaces=("Q2",)), "Q2")
    assert not newer(page(version="Q3-final", replaces=("Q2",)), "Q1")
    assert not newer(page(version="1.0", replaces=("2.0",)), "2.0")


@pytest.mark.parametrize(
    "more",
    [
        {"url": "file:///etc/passwd"}, {"url": "https://x y"}, {"url": ""}, {"sha256": "0" * 63}, {"sha256": "Z" * 64},
        {"sequence": 0}, {"vendor": ""}, {"signature": ""}, {"certificate": ""}, {"md5": "12"}, {"extra": 1},
        {"url": "http://acme.example/x.bin", "signature": "", "certificate": ""},
    ],
)  # fmt: skip
def test_a_page_that_lacks_something_is_refused(more):
    said = {**msgspec.to_builtins(page()), **more}
    with pytest.raises(ValueError, match=r".+"):
        read(msgspec.json.encode(said))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise):
    with pytest.raises(ValueError, match="no release"):
        read(noise)


def test_a_page_is_written_and_read_again():
    assert read(write(approved())) == approved()
    assert read(write(page())).id == page().id != page(version="2.3.2").id


def test_a_key_is_its_owner_s_alone_and_is_not_written_over(tmp_path):
    file = tmp_path / "anna.key"
    line = f"anna:{releases.new_key(file)}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(OSError, match="exists already"):
        releases.new_key(file)
    assert approved_by(sign(page(), "anna", releases.read_key(file)), approvers([line])) == ["anna"]
    file.write_bytes(b"nonsense")
    with pytest.raises(OSError, match="no private key"):
        releases.read_key(file)


def test_nothing_else_in_the_house_says_an_update():
    """The order has one mouth: the block that takes approved releases from the shelf. (OCPP's own room reads it.)"""
    mouths = set()
    for file in HOUSE.rglob("*.py"):
        if file.parent.name in {"ocpp", "messages", "twin"} or "twin" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            said = node.value if isinstance(node, ast.Constant) else ""
            if called == "UpdateSoftware" or said in {"PublishFirmware", "UpdateFirmware", "SignedUpdateFirmware"}:
                mouths.add(str(file.relative_to(HOUSE)))
    assert mouths == {"station/blocks/software.py", "station/guard.py"}
