"""An administrator's key for the extension: made, read, and used by the optional package `cryptography`.

Imported at the first use: only `longwire pack` needs it (`pip install 'longwire[pack]'`).
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from longwire.console.errors import CommandError
from longwire.install.crx import Signer
from longwire.install.launcher import is_frozen
from longwire.storage.files import make_folder
from longwire.storage.opening import NEW_FLAGS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_KEY_BITS: Final = 4096
_MIN_KEY_BITS: Final = 2048
_EXPONENT: Final = 65_537
_PRIVATE: Final = 0o600
# The pip of this Longwire: another would ask a registry for the name, and Longwire is on none.
_PIP: Final = "pip" if is_frozen() else f"{sys.executable} -m pip"
_MISSING: Final = CommandError(
    "packing needs the package `cryptography`", f"pack with a Longwire from pip: {_PIP} install 'longwire[pack]'"
)


def make_key(path: Path) -> Signer:
    """A new key, in a file that this user alone can read.

    Raises:
        CommandError: the file is there or cannot be written, or `cryptography` is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        raise _MISSING from None
    private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_KEY_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        make_folder(path.resolve().parent)
        # Never there for others to read, and never in the place of one that appeared meanwhile.
        with os.fdopen(os.open(path, NEW_FLAGS, _PRIVATE), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or 'the system refused'}", "name a file of your own") from None
    return _signer(private)


def read_key(path: Path) -> Signer:
    """The key in a file: PEM, RSA, without a password.

    Raises:
        CommandError: it cannot be read or used, or `cryptography` is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        raise _MISSING from None
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or 'the system refused'}", "name a file of your own") from None
    except (ValueError, TypeError):  # TypeError: it has a password
        raise CommandError(
            f"{path} is not a private key in PEM without a password", "name another file, which is then made"
        ) from None
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _MIN_KEY_BITS:
        raise CommandError(
            f"{path} is not an RSA key of {_MIN_KEY_BITS} bits or more", "name another file, which is then made"
        )
    return _signer(private)


def _signer(private: "RSAPrivateKey") -> Signer:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Signer(public, lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256()))
