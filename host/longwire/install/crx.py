"""The extension as one signed file, CRX version 3, and the answer of the server that offers it.

The format is `components/crx_file/crx3.proto` of Chromium: a magic number, a version, the length of a header, the
header, a ZIP file. The header is four fields of protocol buffers, written here by hand; what is signed, and how, is
`cryptography`'s (the extra `pack`: nobody but an administrator needs it, and never the host).
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

MAGIC: Final = b"Cr24"
VERSION: Final = 3
SIGNED: Final = b"CRX3 SignedData\0"
# Fields of CrxFileHeader, AsymmetricKeyProof and SignedData.
SHA256_WITH_RSA: Final = 2
SIGNED_HEADER_DATA: Final = 10_000
PUBLIC_KEY: Final = 1
SIGNATURE: Final = 2
CRX_ID: Final = 1

_LENGTH_DELIMITED: Final = 2  # protocol buffers' wire type
_ID_BYTES: Final = 16
# The same files make the same archive: ZIP cannot say an earlier day.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair: the public half as DER (SubjectPublicKeyInfo), and RSASSA-PKCS1-v1_5 with SHA-256 by the private."""

    public_key: bytes
    sign: Callable[[bytes], bytes]

    @property
    def extension_id(self) -> str:
        """The id of what is signed with it: 32 letters from a to p."""
        digits = hashlib.sha256(self.public_key).hexdigest()[: 2 * _ID_BYTES]
        return "".join(chr(ord("a") + int(digit, 16)) for digit in digits)


def crx(archive: bytes, signer: Signer) -> bytes:
    """The file around a ZIP."""
    signed = _field(CRX_ID, hashlib.sha256(signer.public_key).digest()[:_ID_BYTES])
    signature = signer.sign(SIGNED + len(signed).to_bytes(4, "little") + signed + archive)
    proof = _field(PUBLIC_KEY, signer.public_key) + _field(SIGNATURE, signature)
    header = _field(SHA256_WITH_RSA, proof) + _field(SIGNED_HEADER_DATA, signed)
    return MAGIC + VERSION.to_bytes(4, "little") + len(header).to_bytes(4, "little") + header + archive


def archive_of(folder: Path, signer: Signer, update_url: str) -> bytes:
    """A ZIP of the built extension, its manifest naming this key and where updates are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            data = path.read_bytes()
            if name == "manifest.json":
                key = base64.b64encode(signer.public_key).decode()
                manifest: dict[str, Any] = {**json.loads(data), "key": key, "update_url": update_url}
                data = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def updates_xml(extension_id: str, version: str, url: str) -> str:
    """What `update_url` answers: which version there is, and where (gupdate, protocol 2.0)."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<gupdate xmlns='http://www.google.com/update2/response' protocol='2.0'>\n"
        f"  <app appid={quoteattr(extension_id)}>\n"
        f"    <updatecheck codebase={quoteattr(url)} version={quoteattr(version)} />\n"
        "  </app>\n"
        "</gupdate>\n"
    )


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
