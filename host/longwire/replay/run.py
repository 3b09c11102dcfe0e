"""A replay in a terminal, until Ctrl-C."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from longwire.console.errors import CommandError
from longwire.console.progress import Progress
from longwire.recording.reader import BadRecording, Recording, read_recording
from longwire.replay.faults import Faults
from longwire.replay.pace import AtOnce, ByKey, Pace, Timed
from longwire.replay.screen import JsonLines, Words
from longwire.replay.server import PortTaken, ReplayServer

Speed = float | Literal["max", "step"]


def read(path: Path) -> Recording:
    """The recording of a command line.

    Raises:
        CommandError: it is none.
    """
    progress = Progress()
    try:
        return read_recording(path, progress.told)
    except BadRecording as error:
        raise CommandError(error.message, error.fix) from None
    finally:
        progress.over()


async def replay(recording: Recording, faults: Faults, speed: Speed, port: int, screen: Words | JsonLines) -> None:
    """Serve until cancelled.

    Raises:
        CommandError: the port is taken.
    """
    server = ReplayServer(recording, faults, _pace(speed), screen)
    try:
        await server.open(port)
    except PortTaken as error:
        raise CommandError(f"port {port} cannot be listened at: {error}", "name another with --port") from None
    try:
        screen.opened(server.origin, recording)
        await asyncio.get_running_loop().create_future()
    finally:
        await server.close()


def _pace(speed: Speed) -> Callable[[], Pace]:
    if speed == "max":
        return AtOnce
    if speed == "step":
        keys = ByKey()
        _listen_for_enter(keys.press)
        return lambda: keys
    return lambda: Timed(asyncio.get_running_loop().time(), float(speed))


def _listen_for_enter(press: Callable[[], None]) -> None:
    """In a thread of its own: no platform lets a loop wait for a console and a socket alike."""
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for _ in sys.stdin:
            try:
                loop.call_soon_threadsafe(press)
            except RuntimeError:  # the command is ending
                return

    threading.Thread(target=listen, name="enter", daemon=True).start()
