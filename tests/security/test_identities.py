import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.security.identities import Keyring, is_identity, new_secret

KEY = Keyring(b"k" * 32)


@pytest.mark.parametrize("text", ["V01", "a", "A-b_c.d|e@f+g=h*", "x" * 48, "1.2"])
def test_what_ocpp_allows_is_an_identity(text: str):
    assert is_identity(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "x" * 49, ".", "..", "...", "../x", "a/b", "a\\b", "a:b", "a b", "a\nb", "a\n", "\nlevel=info", "a\x00", "a\x1b[0m",
        "<b>", "a&b", '"', "'", "`id`", "$(id)", "a;b", "a%2e", "é", "充", "Ｖ01", "a\u202eb", "٣",
    ],
)  # fmt: skip
def test_no_path_no_markup_and_no_log_line_is_an_identity(text: str):
    assert not is_identity(text)


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60))
def test_an_identity_is_printable_ascii_without_what_any_sink_would_act_on(text: str):
    if is_identity(text):
        assert text.isascii()
        assert text.isprintable()
        assert 1 <= len(text) <= 48
        assert not set(text) & set("/\\:<>&\"'`$;%!?#(){}[]~^, ")
        assert Path("/data").joinpath(text).parent == Path("/data")


def test_the_key_is_for_its_owner_only_and_stays_the_same(tmp_path: Path):
    file = tmp_path / "station.key"
    first, again = Keyring.at(file), Keyring.at(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert first.mac("V01", "secret") == again.mac("V01", "secret")
    assert [path.name for path in tmp_path.iterdir()] == ["station.key"]


def test_two_stations_have_two_keys(tmp_path: Path):
    assert Keyring.at(tmp_path / "a").mac("V01", "s") != Keyring.at(tmp_path / "b").mac("V01", "s")


def test_many_who_make_the_key_at_once_get_the_same_one(tmp_path: Path):
    for round_ in range(10):
        file = tmp_path / str(round_)
        with ThreadPoolExecutor(8) as threads:
            macs = set(threads.map(lambda _, file=file: Keyring.at(file).mac("V01", "s"), range(8)))
        assert len(macs) == 1


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33])
def test_a_file_that_is_no_key_is_never_used_as_one(tmp_path: Path, content: bytes):
    """An empty key would be a key that everybody knows."""
    (tmp_path / "station.key").write_bytes(content)
    with pytest.raises(OSError, match="is no key"):
        Keyring.at(tmp_path / "station.key")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_mac_fits_its_own_charger_and_secret_only(identity: str, secret: str, other: str, wrong: str):
    if "\0" in identity + other:
        return  # no identity has one, and so nothing can move from the identity to the secret
    kept = KEY.mac(identity, secret)
    assert KEY.fits(identity, secret, kept)
    assert KEY.fits(other, secret, kept) == (other == identity)
    assert KEY.fits(identity, wrong, kept) == (wrong == secret)
    assert not Keyring(b"x" * 32).fits(identity, secret, kept)


def test_what_is_kept_does_not_hold_the_secret():
    secret = new_secret()
    kept = KEY.mac("V01", secret)
    assert secret not in kept
    assert len(kept) == 64


def test_a_secret_fits_every_form_and_comes_once():
    secrets = {new_secret() for _ in range(200)}
    assert len(secrets) == 200
    assert all(len(secret) == 40 and secret.isalnum() and secret.isascii() for secret in secrets)
