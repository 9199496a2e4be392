"""Puts together whom a station trusts, from its file: authorities, responders, PKIs of cars, approvers of software."""

import base64
import ssl
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from voltide.config import Config
from voltide.domain.time import Clock
from voltide.security import outside, releases
from voltide.security.contracts import Contracts, HttpContracts, NoContracts
from voltide.security.fetch import Reach
from voltide.security.ocsp import Responders
from voltide.security.outside import EstAuthority, FolderAuthority
from voltide.security.own import OwnAuthority, Terms
from voltide.security.pki import Authority


def own(config: Config, data: Path, clock: Clock) -> OwnAuthority:
    """The certificate authority of a data folder, made on first use."""
    terms = Terms(organisation=config.organisation, charger_life=timedelta(days=config.pki.certificate_days))
    return OwnAuthority(data / "pki", terms, clock)


def authority(config: Config, own_one: OwnAuthority) -> Authority:
    """Who signs chargers' certificates: the one outside that the file names, or our own. Raises ``OSError``."""
    table = config.pki
    roots = Path(table.client_roots) if table.client_roots else None
    if not table.outside:
        return own_one
    if "://" in table.outside:
        reach = _reach(config, table.outside)
        return EstAuthority(table.outside, reach, _user(table.outside_user), roots)
    return FolderAuthority(Path(table.outside), roots)


def responders(config: Config, clock: Clock) -> Responders:
    """Who may be asked about certificates of cars. Raises ``OSError``."""
    table = config.pki
    issuers = outside.roots_of(Path(table.v2g_roots)) if table.v2g_roots else ()
    known = [x509.load_pem_x509_certificate(pem.encode()) for pem in issuers]
    return Responders(_reach(config, *table.ocsp), known, clock)


def contracts(config: Config) -> Contracts:
    """Who gives cars their contracts. Raises ``OSError``."""
    table = config.pki
    if not table.contracts:
        return NoContracts()
    return HttpContracts(table.contracts, _reach(config, table.contracts), _user(table.v2g_user))


def v2g(config: Config) -> Authority | None:
    """Who signs what chargers show to cars; None: nobody. Raises ``OSError``."""
    table = config.pki
    if not table.v2g_signer:
        return None
    roots = Path(table.v2g_roots) if table.v2g_roots else None
    return EstAuthority(table.v2g_signer, _reach(config, table.v2g_signer), _user(table.v2g_user), roots)


def shelf(config: Config, data: Path) -> releases.Shelf:
    """The approved software of a data folder."""
    return releases.Shelf(data / "releases", releases.approvers(config.firmware.approvers))


def _reach(config: Config, *urls: str) -> Reach:
    """These addresses and no others. Raises ``OSError`` for a file of roots that is none."""
    file = config.pki.tls_roots
    trusted = ssl.create_default_context(cafile=file) if file else None
    return Reach.to(urls, config.pki.private_networks, trusted)


def _user(file: str) -> str:
    """``user:password`` of a file, as an HTTP header says it. Raises ``OSError``."""
    if not file:
        return ""
    return "Basic " + base64.b64encode(Path(file).read_text(encoding="utf-8").strip().encode()).decode()
