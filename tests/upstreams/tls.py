"""A certificate authority of the test's own, and servers it vouches for."""

import datetime
import ssl
from pathlib import Path

import trustme


class Authority:
    """Issues certificates; `write_ca` gives the PEM file that a grant's `ca_file` names."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def write_ca(self, folder: Path) -> str:
        """Write the authority's certificate into `folder` and give its path."""
        path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return str(path)

    def server_context(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server's TLS context with a certificate for `names` (default: localhost and 127.0.0.1)."""
        not_after = datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC) if expired else None
        not_before = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC) if expired else None
        certificate = self._ca.issue_cert(
            *(names or ("localhost", "127.0.0.1")), not_before=not_before, not_after=not_after
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context
