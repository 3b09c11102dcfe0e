"""What the native channel carries by itself: a bare host, and an extension whose worker drops what comes or repeats one
thing. No policy, no credit, no stream; random bytes, which nothing makes shorter.
"""

import asyncio
import json
import stat
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench.figures import BARE_CHANNEL
from tests.bench.unpacked import new_identity, unpack
from tests.upstreams import bodies
from tests.upstreams.connection import Request

_HERE = Path(__file__).parent
_NAME = "com.longwire.ceiling"
_MIB: Final = 1 << 20


class Form(NamedTuple):
    """How the bare channel is used: KiB of body in a frame, and how many MiB the host may be ahead of the worker."""

    frame_kib: int
    ahead_mib: int = 0  # as many as the pipe takes

    @property
    def name(self) -> str:
        """For people."""
        ahead = f", {self.ahead_mib} MiB ahead" if self.ahead_mib else ""
        return f"{BARE_CHANNEL}, {self.frame_kib} KiB frames{ahead}"

    def order(self, megabytes: int, *, up: bool = False) -> "Order":
        """To carry so much."""
        return Order(megabytes, self.frame_kib * 1024, up=up, ahead_bytes=self.ahead_mib * _MIB)


# Which is best differs from machine to machine. What is far ahead waits in memory of the browser, which takes time too.
# Upwards the worker is never far ahead.
UPWARDS: Final = (Form(64), Form(128), Form(256))
FORMS: Final = (*UPWARDS, Form(64, 2))


def prepare(folder: Path, profile: Path, server: str) -> Path:
    """Put the extension into `folder` and its host's manifest into `profile`; returns the folder to load."""
    identity = new_identity()
    unpack(_HERE, folder, {"KEY": identity.key, "SERVER": server})
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
        "allowed_origins": [f"chrome-extension://{identity.extension_id}/"],
    }
    (manifests / f"{_NAME}.json").write_text(json.dumps(manifest))
    return folder


@dataclass(frozen=True)
class Order:
    """What the channel is to carry: megabytes of body, down or `up`; or `events` small messages, beside which the
    channel is kept full if `megabytes` is not 0.
    """

    megabytes: int
    body_bytes: int
    up: bool = False
    events: int = 0
    per_second: int = 100
    # How far the host may be ahead of what the worker took; 0: as far as the pipe lets it.
    ahead_bytes: int = 0


@dataclass(frozen=True)
class Report:
    """How long it took, from the first message that came; and how late each small message was."""

    milliseconds: float
    delays: list[float] = field(default_factory=list)


class Orders:
    """The server's half: hands one order to the worker at a time and takes its report."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[Order | None] = asyncio.Queue()
        self._reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def next(self, request: Request) -> None:
        """GET /ceiling/next: waits for an order."""
        order = await self._orders.get()
        await bodies.respond(request.connection, json.dumps(order and asdict(order)).encode())

    async def done(self, request: Request) -> None:
        """POST /ceiling/done: the report."""
        self._reports.put_nowait(json.loads(await request.body()))
        await bodies.respond(request.connection, b"")

    async def carry(self, order: Order) -> Report:
        """Have it carried out. Raises RuntimeError with what the browser said."""
        self._orders.put_nowait(order)
        report = await self._reports.get()
        if "error" in report:
            raise RuntimeError(report["error"])
        return Report(**report)

    async def stop(self) -> None:
        """Let the worker end its loop."""
        self._orders.put_nowait(None)
