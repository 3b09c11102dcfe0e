"""Extensions of the benchmark's own: copied into a run's folder with a key of this run, which makes their id."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Identity:
    """What a manifest's `key` says, and the id that follows: SHA-256 of its DER, sixteen bytes, digits as a to p."""

    key: str
    extension_id: str


def new_identity() -> Identity:
    """One that no other extension has."""
    der = (
        rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    digits = hashlib.sha256(der).hexdigest()[:32]
    extension_id = "".join(chr(ord("a") + int(digit, 16)) for digit in digits)
    return Identity(base64.b64encode(der).decode(), extension_id)


def unpack(source: Path, folder: Path, words: Mapping[str, str]) -> Path:
    """Copy what a browser loads of `source` into `folder`; each @NAME@ becomes what `words` has. Returns `folder`."""
    folder.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.suffix not in {".json", ".js", ".html"}:
            continue
        text = file.read_text(encoding="utf-8")
        for name, word in words.items():
            text = text.replace(f"@{name}@", word)
        (folder / file.name).write_text(text, encoding="utf-8")
    return folder
