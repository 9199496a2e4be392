"""Our own authority over the years: what it signs, what it takes back, and how one root follows another (row 77)."""

import asyncio
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.security.clocks import Manual
from tests.security.test_csr import made
from voltide.domain.reports import Revocation
from voltide.security import csr, names
from voltide.security.own import OwnAuthority, Terms, server_names
from voltide.security.pki import CHARGER, V2G, Denied, Issued, Request
from voltide.security.roots import LIFE, OVERLAP, Roots

KEY = ec.generate_private_key(ec.SECP256R1())


def request(kind: str = CHARGER) -> Request:
    found = csr.check(made("V1", "Corner Power", KEY), kind, "V1", frozenset({"V1"}), "Corner Power")
    assert isinstance(found, Request)
    return found


@pytest.fixture
def clock() -> Manual:
    return Manual()


@pytest.fixture
def authority(tmp_path, clock) -> OwnAuthority:
    return OwnAuthority(tmp_path / "pki", Terms(organisation="Corner Power"), clock)


def certificate(authority: OwnAuthority) -> x509.Certificate:
    issued = asyncio.run(authority.sign(request()))
    assert isinstance(issued, Issued)
    return x509.load_pem_x509_certificate(issued.chain.encode())


def test_a_charger_gets_its_name_our_organisation_a_year_and_no_power(authority, clock):
    leaf = certificate(authority)
    root = x509.load_pem_x509_certificate(authority.chain()[-1].encode())
    leaf.verify_directly_issued_by(root)
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "V1"
    assert leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Corner Power"
    assert leaf.public_key() == KEY.public_key()
    assert leaf.not_valid_before_utc <= clock.now() - timedelta(hours=23)
    assert leaf.not_valid_after_utc - clock.now() <= timedelta(days=365)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert not usage.key_cert_sign
    assert leaf.serial_number.bit_length() > 96
    assert certificate(authority).serial_number != leaf.serial_number


def test_certificates_of_cars_are_another_authority_s(authority):
    assert isinstance(asyncio.run(authority.sign(request(V2G))), Denied)


def test_keys_are_for_their_owner_alone(authority, tmp_path):
    authority.server(("localhost",))
    keys = list((tmp_path / "pki").glob("*.key"))
    assert {file.stem for file in keys} == {"root-1", "server-ec", "server-rsa"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys} == {0o600}


def test_the_root_is_made_once_however_many_want_it_at_once(tmp_path, clock):
    for round_ in range(5):
        folder = tmp_path / str(round_)
        with ThreadPoolExecutor(6) as threads:
            found = set(threads.map(lambda _, f=folder: Roots(f, "x").at(clock.now())[0].pem, range(6)))
        assert len(found) == 1
        assert len(list(folder.glob("root-*.pem"))) == 1


def test_a_root_whose_key_is_gone_or_spoilt_is_said_so(tmp_path, clock):
    roots = Roots(tmp_path, "x")
    roots.at(clock.now())
    (tmp_path / "root-1.key").write_bytes(b"-----BEGIN NONSENSE-----")
    with pytest.raises(OSError, match="is no private key"):
        roots.at(clock.now())
    (tmp_path / "root-1.key").unlink()
    with pytest.raises(OSError, match="No such file"):
        roots.at(clock.now())


def test_what_is_taken_back_stands_in_a_signed_list(authority):
    one, other = certificate(authority), certificate(authority)
    serials = [f"{found.serial_number:x}" for found in (one, other)]
    assert asyncio.run(authority.status(serials[0])) is Revocation.GOOD
    asyncio.run(authority.revoke(serials[0]))
    asyncio.run(authority.revoke(serials[0]))
    assert asyncio.run(authority.status(serials[0])) is Revocation.REVOKED
    assert asyncio.run(authority.status(serials[1])) is Revocation.GOOD
    listed = x509.load_pem_x509_crl((authority.folder / "revoked.crl").read_bytes())
    root = x509.load_pem_x509_certificate(authority.chain()[-1].encode())
    assert listed.is_signature_valid(root.public_key())
    assert len(listed) == 1


def test_the_door_has_a_certificate_for_either_kind_of_key(authority, clock):
    pairs, end = authority.server(("csms.example", "10.0.0.5"))
    assert end - clock.now() <= timedelta(hours=24)
    kinds = set()
    for pair in pairs:
        leaf = x509.load_pem_x509_certificate(pair.chain.read_bytes())
        kinds.add(isinstance(leaf.public_key(), rsa.RSAPublicKey))
        shown = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert shown.get_values_for_type(x509.DNSName) == ["csms.example"]
        assert shown.get_values_for_type(x509.IPAddress) == [ip_address("10.0.0.5")]
        verified(authority.chain()[-1:], pair.chain.read_text(), "csms.example", clock)
    assert kinds == {True, False}


def verified(roots, chain: str, name: str, clock: Manual) -> None:
    """As a charger sees it that trusts these roots, at this moment."""
    store = verification.Store([x509.load_pem_x509_certificate(root.encode()) for root in roots])
    leaf, *above = x509.load_pem_x509_certificates(chain.encode())
    policy = verification.PolicyBuilder().store(store).time(clock.now())
    policy.build_server_verifier(x509.DNSName(name)).verify(leaf, above)


def test_over_twenty_years_no_charger_is_locked_out_that_comes_once_in_the_overlap(authority, clock):
    """Row 77. Each charger takes new roots when it comes; the rarest comes every eleven months."""
    trusted = {months: list(authority.chain()) for months in (1, 3, 11)}
    seen = set(authority.chain())
    for month in range(20 * 12):
        pairs, _ = authority.server(("csms.example",))
        leaf = certificate(authority)
        roots = authority.chain()
        seen |= set(roots)
        assert any(_leads_to(leaf, root) for root in roots)
        assert len(roots) in {1, 2}
        for months, known in trusted.items():
            if month % months == 0:  # it comes: first by what it knows, then it is told what is new
                for pair in pairs:
                    verified(known, pair.chain.read_text(), "csms.example", clock)
                known[:] = roots
        clock.go(days=365.25 / 12)
    assert len(seen) >= 3


def _leads_to(leaf: x509.Certificate, root: str) -> bool:
    try:
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(root.encode()))
    except Exception:  # noqa: BLE001 - whatever says no
        return False
    return True


def test_a_new_root_comes_a_year_before_the_old_one_ends_and_signs_from_then_on(authority, clock):
    (first,) = authority.chain()
    clock.go(seconds=(LIFE - OVERLAP).total_seconds() - 3600)
    assert authority.chain() == (first,)
    clock.go(hours=2)
    old, new = authority.chain()
    assert old == first
    assert _leads_to(certificate(authority), new)
    clock.go(seconds=OVERLAP.total_seconds())
    assert authority.chain() == (new,)


def test_a_certificate_ends_before_its_root_does(authority, clock):
    authority.chain()
    clock.go(seconds=(LIFE - OVERLAP).total_seconds() - 7200)
    root = x509.load_pem_x509_certificate(authority.chain()[-1].encode())
    assert certificate(authority).not_valid_after_utc <= root.not_valid_after_utc


def test_a_clock_that_once_ran_ahead_leaves_no_root_that_is_not_good_yet(authority, clock):
    (first,) = authority.chain()
    clock.go(days=3500)
    assert len(authority.chain()) == 2
    clock.go(days=-3500)
    assert authority.chain() == (first,)
    assert _leads_to(certificate(authority), first)


def test_the_door_is_called_as_the_file_says_first():
    assert server_names("127.0.0.1", ("csms.example",))[:2] == ("csms.example", "127.0.0.1")
    assert "0.0.0.0" not in server_names("0.0.0.0", ())  # noqa: S104
    assert {"localhost", "::1"} <= set(server_names("0.0.0.0", ()))  # noqa: S104


def test_names_are_read_from_a_certificate_and_from_nothing_else(authority):
    issued = asyncio.run(authority.sign(request()))
    assert isinstance(issued, Issued)
    found = names.of_pem(issued.chain)
    assert found is not None
    assert (found.common, found.organisation) == ("V1", "Corner Power")
    assert names.of_pem("nonsense") is None
    assert names.read(b"") is None
