"""`longwire pack`: the file is what Chromium's format says, and a key is never where it does not belong."""

import hashlib
import io
import json
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from longwire.assets import extension_folder
from longwire.install.crx import CRX_ID, PUBLIC_KEY, SHA256_WITH_RSA, SIGNATURE, SIGNED, SIGNED_HEADER_DATA
from tests.unit.home import Done, Home

URL = "https://extensions.example.com/longwire"


def pack(home: Home, folder: Path, *, key: str = "key.pem", url: str = URL) -> Done:
    return home.run("pack", "--key", str(folder / key), "--url", url, "--out", str(folder / "out"))


def fields(data: bytes) -> dict[int, bytes]:
    """The fields of a message in which all are texts."""
    found: dict[int, bytes] = {}
    while data:
        tag, data = varint(data)
        length, data = varint(data)
        assert tag & 7 == 2
        found[tag >> 3], data = data[:length], data[length:]
    return found


def varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for at, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            return value, data[at + 1 :]
    raise AssertionError("cut short")


def test_the_file_is_signed_by_the_key_and_holds_the_extension(home: Home, tmp_path: Path) -> None:
    done = pack(home, tmp_path)
    data = (tmp_path / "out" / "longwire.crx").read_bytes()
    length = int.from_bytes(data[8:12], "little")
    header, archive = fields(data[12 : 12 + length]), data[12 + length :]
    proof, signed = fields(header[SHA256_WITH_RSA]), header[SIGNED_HEADER_DATA]

    assert done.code == 0
    assert data[:8] == b"Cr24" + bytes([3, 0, 0, 0])
    assert fields(signed)[CRX_ID] == hashlib.sha256(proof[PUBLIC_KEY]).digest()[:16]
    public = serialization.load_der_public_key(proof[PUBLIC_KEY])
    assert isinstance(public, rsa.RSAPublicKey)
    message = SIGNED + len(signed).to_bytes(4, "little") + signed + archive
    public.verify(proof[SIGNATURE], message, padding.PKCS1v15(), hashes.SHA256())
    packed = zipfile.ZipFile(io.BytesIO(archive))
    built = {
        path.relative_to(extension_folder()).as_posix() for path in extension_folder().rglob("*") if path.is_file()
    }
    assert set(packed.namelist()) == built
    manifest = json.loads(packed.read("manifest.json"))
    assert manifest["update_url"] == f"{URL}/updates.xml"
    told = ElementTree.parse(tmp_path / "out" / "updates.xml")  # noqa: S314  (our own)
    (update,) = told.findall(".//{*}updatecheck")
    assert update.attrib == {"codebase": f"{URL}/longwire.crx", "version": manifest["version"]}


def test_the_key_is_made_once_for_this_user_alone_and_gives_the_same_id_and_file_again(
    home: Home, tmp_path: Path
) -> None:
    first = pack(home, tmp_path)
    file = (tmp_path / "out" / "longwire.crx").read_bytes()
    again = pack(home, tmp_path)
    key = tmp_path / "key.pem"

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "(new: keep it" in first.out
    assert "(new" not in again.out
    assert "PRIVATE" not in first.out + first.err
    assert first.out[first.out.index("id ") :] == again.out[again.out.index("id ") :]
    assert (tmp_path / "out" / "longwire.crx").read_bytes() == file


def test_it_says_what_to_do_next_with_the_policy_to_copy(home: Home, tmp_path: Path) -> None:
    done = pack(home, tmp_path)
    (packed,) = [line.split()[1] for line in done.out.splitlines() if line.startswith("id ")]

    assert f"install --system --extension-id {packed}" in done.out
    assert json.loads(done.out[done.out.index("{") :]) == {
        "ExtensionSettings": {packed: {"installation_mode": "force_installed", "update_url": f"{URL}/updates.xml"}}
    }


@pytest.mark.parametrize(("key", "url"), [("out/key.pem", URL), ("key.pem", "not a url"), ("key.pem", f"{URL}?x=1")])
def test_what_makes_no_sense_is_misuse_and_makes_no_key(home: Home, tmp_path: Path, key: str, url: str) -> None:
    assert pack(home, tmp_path, key=key, url=url).code == 2
    assert not list(tmp_path.rglob("*.pem"))


def small() -> bytes:
    return _pem(rsa.generate_private_key(65_537, 1024))  # noqa: S505  (that is the point)


def curve() -> bytes:
    return _pem(ec.generate_private_key(ec.SECP256R1()))


def locked() -> bytes:
    return _pem(rsa.generate_private_key(65_537, 2048), serialization.BestAvailableEncryption(b"password"))


def _pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    encryption: serialization.KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption or serialization.NoEncryption()
    )


@pytest.mark.parametrize("pem", [b"", b"sk-pasted-0123456789", small(), curve(), locked()])
def test_a_key_that_cannot_be_used_is_told_without_its_text_and_left_as_it_is(
    home: Home, tmp_path: Path, pem: bytes
) -> None:
    (tmp_path / "key.pem").write_bytes(pem)
    done = pack(home, tmp_path)

    assert (done.code, done.out) == (1, "")
    assert "key.pem" in done.err
    assert "sk-pasted" not in done.err
    assert (tmp_path / "key.pem").read_bytes() == pem
    assert not (tmp_path / "out").exists()


def test_without_cryptography_it_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from longwire.cli.main import main\n"
        f"sys.argv = ['longwire', 'pack', '--key', {str(tmp_path / 'k')!r}, '--url', {URL!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 1
    assert f"{sys.executable} -m pip install 'longwire[pack]'" in done.stderr
    assert list(tmp_path.iterdir()) == []
