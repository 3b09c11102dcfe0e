"""What lives in a host that is no daemon's, for `longwire top`: a local socket, and only while somebody looks.

Whoever wants to see it touches a file in the daemon's folder, which is this user's alone. The host looks for that once
a second, which takes microseconds; so nobody pays for it at a start.
"""

import os
import stat
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import anyio

from longwire.daemon.address import Address, UnsafeAddress, check_folder, own_address
from longwire.native.own_system import SYSTEM
from longwire.native.system import Listener

LOOK_S: Final = 1.0
# Who wants to see it touches the file once a second. One who was killed does not.
WANTED_S: Final = 10.0
# At a time.
MAX_WATCHERS: Final = 4


async def show_when_wanted(look: Callable[[], list[dict[str, Any]]], address: Address | None = None) -> None:
    """Runs until it is cancelled; nothing that fails here is a stream's business."""
    while True:
        # First of all: a host that starts has its first stream waiting.
        await anyio.sleep(LOOK_S)
        address = address or own_address()
        if wanted(address):
            with suppress(OSError, UnsafeAddress):
                await _show(look, address)


def wanted(address: Address) -> bool:
    """Whether somebody watches now."""
    try:
        touched = address.watched.lstat()
        return stat.S_ISREG(touched.st_mode) and abs(time.time() - touched.st_mtime) < WANTED_S
    except OSError:
        return False


async def _show(look: Callable[[], list[dict[str, Any]]], address: Address) -> None:
    """As long as it is wanted."""
    check_folder(address.folder)
    path = address.shown_by(os.getpid())
    path.unlink(missing_ok=True)  # of one that died, and had this number
    with closing(SYSTEM.unbound()) as listener:
        try:
            _listen(listener, path)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_accept_forever, listener, look, tasks)
                while wanted(address):  # noqa: ASYNC110  (a file's time tells nobody of itself)
                    await anyio.sleep(LOOK_S)
                tasks.cancel_scope.cancel()
        finally:
            path.unlink(missing_ok=True)


def _listen(listener: Listener, path: Path) -> None:
    listener.bind(str(path))
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    listener.listen(MAX_WATCHERS)
    listener.settimeout(0)


async def _accept_forever(
    listener: Listener, look: Callable[[], list[dict[str, Any]]], tasks: "anyio.abc.TaskGroup"
) -> None:
    from longwire.native.watcher import serve_watcher  # here: most hosts are never looked at

    places = anyio.Semaphore(MAX_WATCHERS)
    while True:
        try:
            connected = await SYSTEM.accept(listener)
        except OSError:  # descriptors are short; the event loop would not come to rest
            await anyio.sleep(LOOK_S)
            continue
        tasks.start_soon(serve_watcher, connected, look, places)
