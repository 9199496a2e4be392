"""A maker of software for the scenes: its files, and how it signs them."""

import base64
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.twin.blocks.authority import Authority, issue, pem
from tests.twin.scene import Scene
from voltide.domain.messages import Json
from voltide.twin.files import MemoryFiles

URL = "http://192.0.2.1/twin.bin"
NEW = b"twin 2.1.0\n" + bytes(range(256))
MAKER, STRANGER = Authority("Maker"), Authority("Stranger")


def sign(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, content: bytes = NEW) -> str:
    """The signature of a file, as its maker makes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return base64.b64encode(key.sign(content, pss, hashes.SHA256())).decode()
    return base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()


def signed(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None, maker: Authority = MAKER, content: bytes = NEW
) -> Json:
    """What is said of a file that a maker has signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = issue("Signer", key.public_key(), maker.common, maker.key)
    return {"signingCertificate": pem(certificate), "signature": sign(key, content)}


class SlowFiles(MemoryFiles):
    """Files that come when the test says so."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.asked: list[tuple[str, Callable[[bytes | None], None]]] = []

    def get(self, url: str, done: Callable[[bytes | None], None]) -> None:
        self.asked.append((url, done))

    def arrive(self) -> None:
        for url, done in self.asked:
            done(self.files.get(url))


def shelf(scene: Scene, **files: bytes) -> MemoryFiles:
    """The files that there are, and a charger that trusts their maker."""
    scene.twin.files = found = MemoryFiles(
        {URL: NEW} | {f"http://192.0.2.1/{name}": one for name, one in files.items()}
    )
    scene.twin.vault.roots["ManufacturerRootCertificate"] = [MAKER.root]
    return found
