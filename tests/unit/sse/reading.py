"""The client library as a reader of what a Python server sends: a Node process that lives as long as its context."""

import base64
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from longwire.assets import client_library

_SCRIPT = Path(__file__).with_name("reader.mjs")


class ClientLibrary:
    """`read(body)` gives the events of an event stream, each with `type`, `data`, `text`, `raw`, `name` and `id`."""

    def __init__(self, *, json: bool) -> None:
        self._arguments = ["node", str(_SCRIPT), client_library().as_uri(), "json" if json else "text"]

    def __enter__(self) -> Self:
        self._node = subprocess.Popen(self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def read(self, body: bytes) -> list[dict[str, Any]]:
        """Raises AssertionError where reading fails."""
        assert self._node.stdin is not None and self._node.stdout is not None
        self._node.stdin.write(base64.b64encode(body) + b"\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline())
        assert answer["failure"] is None, answer
        seen: list[dict[str, Any]] = answer["seen"]
        return seen

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._node.communicate(timeout=30)
