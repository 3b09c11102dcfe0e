"""`longwire record`: a stream in a terminal, shown as it comes and written down with the time of every piece."""

import asyncio
import codecs
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import orjson
import pybase64

from longwire import __version__
from longwire.at_console.page import StreamFailed, console_page
from longwire.at_console.printing import CONTROLS, put
from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import complain
from longwire.policy.urls import CONSOLE
from longwire.protocol.errors import ErrorCode
from longwire.protocol.messages import DEFAULT_KIND
from longwire.recording.credentials import is_credential_header
from longwire.recording.writer import RecordingWriter, StreamWriter

_OWN_FILE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the command line."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None


class Screen(Protocol):
    """Shows what comes. Times are milliseconds since the request."""

    def head(self, t: float, status: int, reason: str) -> None:
        """The response's."""

    def piece(self, t: float, data: bytes) -> None:
        """Some of its body."""

    def close(self) -> None:
        """Nothing comes any more."""


class Words:
    """The body on stdout, as text; the rest on stderr."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._ends_line = True

    def head(self, t: float, status: int, reason: str) -> None:
        """See Screen."""
        complain(f"{status} {reason} after {t / 1000:.2f} s".translate(CONTROLS))

    def piece(self, t: float, data: bytes) -> None:
        """See Screen."""
        self._show(self._text.decode(data).translate(CONTROLS))

    def close(self) -> None:
        """See Screen."""
        self._show(self._text.decode(b"", final=True))
        if not self._ends_line:
            self._show("\n")

    def _show(self, text: str) -> None:
        if text:
            put(text)
            self._ends_line = text.endswith("\n")


class JsonLines:
    """Head and pieces, each as one line."""

    def head(self, t: float, status: int, reason: str) -> None:
        """See Screen."""
        _put_line({"event": "head", "t": round(t, 3), "status": status, "reason": reason})

    def piece(self, t: float, data: bytes) -> None:
        """See Screen."""
        try:
            content = {"text": data.decode()}
        except UnicodeDecodeError:
            content = {"base64": pybase64.b64encode(data).decode()}
        _put_line({"event": "piece", "t": round(t, 3), "bytes": len(data), **content})

    def close(self) -> None:
        """See Screen."""


def headers_of(given: Sequence[str], variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Header fields of a command line: `NAME: value`, or NAME alone, whose value is the variable of that name.

    Raises:
        MisuseError: one is neither, its variable is not set, or it has a credential, which others could read there.
    """
    fields: list[tuple[str, str]] = []
    for text in given:
        name, colon, value = text.partition(":")
        name = name.strip()
        if not name:
            raise MisuseError(f'"{text}" is no header', "write NAME: value")
        variable = name.upper().replace("-", "_")
        if not colon:
            if variable not in variables:
                raise MisuseError(
                    f"the header {name} has no value", f"set the variable {variable}, or write {name}: value"
                )
            value = variables[variable]
        elif is_credential_header(name):
            raise MisuseError(
                f"the value of {name} would be seen by every user of this machine",
                f"set the variable {variable} and write --header {name}, or have the policy inject it",
            )
        fields.append((name, value.strip()))
    return fields


def open_new(path: Path, *, replace: bool) -> BinaryIO:
    """A file for a recording, its owner's alone.

    Raises:
        CommandError: it is there already, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), _OWN_FILE)
    except FileExistsError:
        raise CommandError(f"{path} is there already", "name another file, or replace it with --force") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}", "name a file that can") from None
    file = os.fdopen(descriptor, "wb")
    # One that was there has the rights that it had: before a byte is in it nobody else may read it any more.
    if replace and sys.platform != "win32" and stat.S_ISREG(os.fstat(descriptor).st_mode):
        try:
            os.fchmod(descriptor, _OWN_FILE)
        except OSError as error:
            file.close()
            raise CommandError(f"{path} is not yours: {error.strerror}", "name another file") from None
    return file


async def record(asked: Asked, out: BinaryIO, screen: Screen) -> str:
    """Ask as the page `longwire:terminal`; gives what became of it, in words. Ctrl-C ends it, and is no failure.

    Raises:
        CommandError: there is no answer, or not the whole of it. What came is in the file.
    """
    stream = RecordingWriter(out, f"longwire {__version__}").stream()
    loop = asyncio.get_running_loop()
    began, size, pieces = loop.time(), 0, 0

    def now() -> float:
        return (loop.time() - began) * 1000

    stream.request(CONSOLE.href, asked.method, asked.url, asked.headers, asked.body or b"")
    try:
        async with console_page() as page:
            asking = page.ask(DEFAULT_KIND, asked.method, asked.url, asked.headers, asked.body)
            async with aclosing(asking) as answer:
                async for message in answer:
                    t = now()
                    if message.get("recordable") is False:
                        text = "the policy keeps what this grant gives out of recordings"
                        fix = f'"record" would have to be among the features of a grant for {CONSOLE.href}'
                        stream.end(t, how="error", code=ErrorCode.POLICY_DENIED, message=text, phase="policy")
                        raise CommandError(text, fix)
                    if message["type"] == "STREAM_CHUNK":
                        size, pieces = size + len(message["data"]), pieces + 1
                    _take(stream, screen, message, t)
                    if stream.over and message["type"] != "STREAM_END":
                        return "the recording is full; the stream was stopped there"
    except StreamFailed as failed:
        stream.end(now(), how="error", code=failed.code, message=failed.text[:1000], phase=failed.phase)
        raise CommandError(failed.text, _fix(failed, asked)) from None
    except asyncio.CancelledError:
        stream.end(now(), how="stopped", reason="user")
        return f"stopped after {size:,} bytes in {pieces} pieces"
    finally:
        screen.close()
    return f"{size:,} bytes in {pieces} pieces, {now() / 1000:.1f} s"


def _take(stream: StreamWriter, screen: Screen, message: dict[str, Any], t: float) -> None:
    if message["type"] == "STREAM_CHUNK":
        stream.piece(t, "down", message["data"])
        screen.piece(t, message["data"])
    elif message["type"] == "STREAM_HEADERS":
        headers = [(name, value) for name, value in message["headers"]]
        status, reason = message["status"], message["reason"]
        stream.response(t, message["url"], status, reason, headers, redirected=message["redirected"])
        screen.head(t, status, reason)
    else:
        stream.end(t, how="whole", bytes=message["bytes"], completeness=message["completeness"])


def _fix(failed: StreamFailed, asked: Asked) -> str:
    if failed.code is ErrorCode.POLICY_DENIED:
        return f"`longwire policy check --page {CONSOLE.href} --url URL --method {asked.method}` says what is missing"
    if failed.code is ErrorCode.SECRET_UNAVAILABLE:
        return "`longwire doctor` says which secret cannot be read"
    return "`longwire logs` has the request; what came of the answer is in the file"


def _put_line(line: dict[str, Any]) -> None:
    put(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
