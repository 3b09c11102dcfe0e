"""The host, started as a browser starts it: bare environment, pipes, no console, the browser's arguments, its folder.

Chromium: the working folder is the host's; two seconds after the end of its input
the process is killed (`native_process_launcher_posix.cc`, `native_message_process_host.cc`).
"""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import IO, Any, Final

import orjson

from longwire import __version__
from longwire.protocol.errors import FrameError, printable
from longwire.protocol.frames import FrameDecoder, frame
from longwire.protocol.limits import MAX_FRAME_TO_BROWSER, PROTOCOL_VERSION

# As long as the extension waits (WELCOME_DEADLINE_MS in native.ts), and as long as Chromium lets it end.
WELCOME_DEADLINE_S: Final = 10.0
_END_DEADLINE_S: Final = 2.0
_LAST_WORDS_CHARS: Final = 200
_STDERR_BYTES: Final = 8192
# What a desktop session gives a browser, and so a browser its host. No secrets, nothing of Python.
_KEPT: Final = (
    *("HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "APPDATA"),
    *("LOCALAPPDATA", "TEMP", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"),
    *("XDG_RUNTIME_DIR",),
)


class Kind(Enum):
    """How it went."""

    ANSWERED = auto()  # a frame; see `Answer.message`
    GARBAGE = auto()  # something else than a frame
    ENDED = auto()  # the process ended without a word
    MUTE = auto()  # it runs and says nothing
    NOT_STARTED = auto()  # the system refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. `last_words` is the last line on stderr, `garbage` the beginning of what was no frame.

    `seconds` is the time to the answer; `lingered`: it did not end when its input did.
    """

    kind: Kind
    message: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    exit_code: int | None = None
    last_words: str = ""
    garbage: str = ""
    refusal: str = ""
    lingered: bool = False


def bare_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What of `environ` a browser that was started from a desktop would have."""
    return {**{name: environ[name] for name in _KEPT if name in environ}, "PATH": os.defpath}


def ask(
    launcher: Path, environ: Mapping[str, str], deadline_s: float = WELCOME_DEADLINE_S, *, arguments: Sequence[str]
) -> Answer:
    """Start `launcher`, say HELLO, take one frame, end it. Takes `deadline_s` and two seconds more at most.

    `arguments` are those of the browser's family (`Family.command_line`).
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603  (what the manifest names, exactly as the browser would)
            [str(launcher), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=launcher.parent,
            env=bare_environment(environ),
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        return Answer(Kind.NOT_STARTED, refusal=error.strerror or "the system refused")
    said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    complaints: list[bytes] = []
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018  (pipes were asked for)
    readers = (
        threading.Thread(target=_read_to, args=(process.stdout, said.put), daemon=True),
        threading.Thread(target=_read_to, args=(process.stderr, complaints.append), daemon=True),
    )
    for reader in readers:
        reader.start()
    hello = {"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": __version__}
    with suppress(OSError):  # it is gone already: that is what will be told
        process.stdin.write(frame(orjson.dumps(hello)))
        process.stdin.flush()
    kind, message, rest = _first_frame(said, started + deadline_s)
    seconds = time.monotonic() - started
    lingered = _end(process)
    for reader in readers:
        reader.join(_END_DEADLINE_S)
    for pipe in (process.stdout, process.stderr):
        with suppress(OSError):
            pipe.close()
    return Answer(
        kind,
        message,
        seconds,
        process.returncode,
        _last_line(b"".join(complaints)[-_STDERR_BYTES:]),
        printable(rest[:40].decode("utf-8", "replace")),
        lingered=lingered and kind is not Kind.MUTE,
    )


def _read_to(pipe: IO[bytes], take: Any) -> None:
    with suppress(OSError, ValueError):  # ValueError: closed under our hands
        while data := os.read(pipe.fileno(), 65536):
            take(data)
    take(b"")


def _first_frame(said: "queue.SimpleQueue[bytes]", deadline: float) -> tuple[Kind, dict[str, Any], bytes]:
    """The first frame, or what came instead of one."""
    decoder = FrameDecoder(MAX_FRAME_TO_BROWSER)
    rest = b""
    while True:
        try:
            data = said.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return (Kind.GARBAGE if rest else Kind.MUTE), {}, rest
        if not data:
            return (Kind.GARBAGE if rest else Kind.ENDED), {}, rest
        rest += data
        try:
            payload = next(decoder.feed(data), None)
            message = None if payload is None else orjson.loads(payload)
        except (FrameError, orjson.JSONDecodeError):
            return Kind.GARBAGE, {}, rest
        if isinstance(message, dict):
            return Kind.ANSWERED, message, b""
        if message is not None:
            return Kind.GARBAGE, {}, rest


def _end(process: "subprocess.Popen[bytes]") -> bool:
    """Close its input, wait as a browser does, kill it then. Returns whether it had to be killed."""
    assert process.stdin  # noqa: S101
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_END_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _last_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return printable(lines[-1].strip())[:_LAST_WORDS_CHARS] if lines else ""
