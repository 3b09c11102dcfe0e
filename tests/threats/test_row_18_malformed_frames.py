"""Row 18: malformed frames, into a real host: each has its defined end, none a traceback, and no neighbour suffers."""

import json
import random
import struct
from pathlib import Path
from typing import Any

from longwire.protocol.limits import MAX_FRAME_TO_HOST
from tests.host_process import HostProcess, grant
from tests.patience import PATIENCE_S
from tests.printed import say
from tests.unit.protocol.malformed import KINDS
from tests.unit.protocol.samples import CANARY
from tests.upstreams import faults
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

START: dict[str, Any] = {
    "type": "STREAM_START",
    "id": 7,
    "page": {"origin": "http://localhost:5173", "tab": 1, "frame": 0, "document": "d", "private": False},
    "method": "GET",
    "url": "http://127.0.0.1:1/",
    "headers": [],
    "body": {"kind": "none"},
    "redirect": "follow",
    "timeouts": {},
}


# A process each: all that end differently, and some that end alike.
FED = ("zero length", "oversize length", "truncated", "not JSON", "unknown type", "wrong field", "invalid UTF-8")


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in START.items() if key != name}


# Of one stream: it ends, and nothing else does.
BAD_STARTS = (
    *(without(name) for name in START if name not in ("type", "id")),
    *(START | {name: CANARY} for name in START if name not in ("type", "id", "method", "url")),
    START | {"more": CANARY},
    START | {"page": START["page"] | {"origin": 1}},
    START | {"page": START["page"] | {"private": "no"}},
    START | {"headers": [["a"]]},
    START | {"headers": [["a", "b", "c"]]},
    START | {"headers": {"a": "b"}},
    START | {"headers": [["a", 1]]},
    START | {"body": {"kind": "inline", "data": "%"}},
    START | {"timeouts": {"header_ms": -1}},
    START | {"timeouts": {"header_ms": 1e300}},
    START | {"method": ""},
    START | {"url": ""},
)


def test_a_bad_start_ends_its_own_stream_and_no_other(tmp_path: Path) -> None:
    with (
        ThreadedServer(lambda: Server(faults.NAMED["body-silent"])) as server,
        HostProcess(tmp_path, grant(server.url("/"))) as host,
    ):
        host.hello()
        host.start(1, server.url("/"))
        host.expect("STREAM_HEADERS")
        for number, message in enumerate(BAD_STARTS, start=100):
            host.send(**(message | {"id": number}))
            answer = host.expect("STREAM_ERROR")
            assert (answer["id"], answer["code"]) == (number, "PROTOCOL"), message
            assert CANARY not in str(answer)
        host.send(type="STREAM_ABORT", id=1, reason="signal")
        assert host.body(1)[1]["type"] == "STREAM_ABORTED"
        host.close_input()
        assert host.process.wait(PATIENCE_S) == 0
        assert host.stderr() == ""


def test_each_kind_of_nonsense_has_its_end(tmp_path: Path) -> None:
    """FATAL, an error of the stream that is meant, or nothing: what is right for each is the unit tests' to say."""
    rng = random.Random(18)
    ends = {}
    for name in FED:
        with HostProcess(tmp_path, grant("http://127.0.0.1:1/")) as host:
            host.hello()
            host.feed(KINDS[name](rng).data)
            host.close_input()
            said = []
            while (message := host.next()) is not None:
                said.append(message["type"])
                assert CANARY not in json.dumps(message, default=str), name
            assert host.process.wait(PATIENCE_S) == 0, name
            assert host.stderr() == "", name
            ends[name] = said
    assert ends["oversize length"] == ends["zero length"] == ends["not JSON"] == ["FATAL"]
    assert ends["truncated"] == []
    say(f"kinds of malformed frames fed to a host: {len(FED)}, tracebacks: 0")


def test_a_length_that_promises_more_than_there_may_be_is_not_waited_for(tmp_path: Path) -> None:
    with HostProcess(tmp_path, grant("http://127.0.0.1:1/")) as host:
        host.hello()
        host.feed(struct.pack("=I", MAX_FRAME_TO_HOST + 1))
        assert host.expect("FATAL")["code"] == "PROTOCOL"
