"""The other side of the throughput figure: a bare host and an extension that drops everything."""

import asyncio
import base64
import hashlib
import json
import stat
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.upstreams import bodies
from tests.upstreams.connection import Request

_HERE = Path(__file__).parent
_NAME = "com.longwire.ceiling"


def prepare(folder: Path, profile: Path, server: str) -> Path:
    """Put the extension into `folder` and its host's manifest into `profile`; returns the folder to load.

    The extension's id follows from a key made for this run: SHA-256 of its DER, sixteen bytes, digits as a to p.
    """
    public = rsa.generate_private_key(65537, 2048).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    extension_id = "".join(chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(der).hexdigest()[:32])
    folder.mkdir(parents=True)
    for name in ("manifest.json", "worker.js"):
        text = (_HERE / name).read_text()
        text = text.replace("@KEY@", base64.b64encode(der).decode()).replace("@SERVER@", server)
        (folder / name).write_text(text)
    host = folder / "host"
    host.write_text(f"#!{sys.executable} -I\n" + (_HERE / "host.py").read_text())
    host.chmod(host.stat().st_mode | stat.S_IXUSR)
    manifests = profile / "NativeMessagingHosts"
    manifests.mkdir(parents=True, exist_ok=True)
    manifest = {
        "name": _NAME,
        "description": "ceiling",
        "path": str(host),
        "type": "stdio",
        "allowed_origins": [f"chrome-extension://{extension_id}/"],
    }
    (manifests / f"{_NAME}.json").write_text(json.dumps(manifest))
    return folder


class Orders:
    """The server's half: hands one order to the worker at a time and takes its report."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[int] = asyncio.Queue()
        self._reports: asyncio.Queue[float | str] = asyncio.Queue()

    async def next(self, request: Request) -> None:
        """GET /ceiling/next: waits for an order."""
        megabytes = await self._orders.get()
        await bodies.respond(request.connection, json.dumps({"megabytes": megabytes}).encode())

    async def done(self, request: Request) -> None:
        """POST /ceiling/done: the report."""
        report = json.loads(await request.body())["milliseconds"]
        self._reports.put_nowait(report)
        await bodies.respond(request.connection, b"")

    async def drain(self, megabytes: int) -> float:
        """Milliseconds that `megabytes` MB of body took. Raises RuntimeError with what the browser said."""
        self._orders.put_nowait(megabytes)
        report = await self._reports.get()
        if isinstance(report, str):
            raise RuntimeError(report)  # noqa: TRY004  (not a wrong type here: the browser's own words)
        return report

    async def stop(self) -> None:
        """Let the worker end its loop."""
        self._orders.put_nowait(0)
