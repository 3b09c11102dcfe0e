"""Row 24: extension and host are of different versions. Every pair either works or is refused with the fix."""

from pathlib import Path
from typing import Any

import pytest

from longwire.protocol.limits import PROTOCOL_VERSION
from tests.host_process import HostProcess, grant
from tests.patience import PATIENCE_S

NEWER = PROTOCOL_VERSION + 1


@pytest.mark.parametrize("protocol", [0, PROTOCOL_VERSION - 1, NEWER, 99, 2**31])
def test_another_protocol_version_is_refused_with_the_fix_and_nothing_else_is_served(
    tmp_path: Path, protocol: int
) -> None:
    with HostProcess(tmp_path, grant("http://127.0.0.1:1/")) as host:
        host.send(type="HELLO", protocol=protocol, extension="9.9")
        host.start(1, "http://127.0.0.1:1/")
        fatal = host.next()
        assert fatal is not None
        assert fatal["type"] == "FATAL"
        if protocol >= 1:
            assert fatal["code"] == "VERSION_MISMATCH"
            older = "the native host" if protocol > PROTOCOL_VERSION else "the extension"
            assert f"update {older}" in fatal["fix"]
            assert f"protocol {protocol}" in fatal["message"]
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("fields", [{"extension": "0.0.1"}, {"extension": "99.0"}])
def test_another_release_of_the_same_protocol_is_served(tmp_path: Path, fields: dict[str, Any]) -> None:
    with HostProcess(tmp_path, grant("http://127.0.0.1:1/")) as host:
        host.send(type="HELLO", protocol=PROTOCOL_VERSION, **fields)
        welcome = host.expect("WELCOME")
        assert (welcome["protocol"], welcome["policy"]["state"]) == (PROTOCOL_VERSION, "ok")


@pytest.mark.parametrize("first", ["STREAM_START", "STATUS_REQUEST"])
def test_nothing_is_served_before_the_versions_are_known(tmp_path: Path, first: str) -> None:
    with HostProcess(tmp_path, grant("http://127.0.0.1:1/")) as host:
        if first == "STREAM_START":
            host.start(1, "http://127.0.0.1:1/")
        else:
            page = {"origin": "http://localhost:5173", "tab": 1, "frame": 0, "document": "d", "private": False}
            host.send(type="STATUS_REQUEST", request=1, page=page)
        assert host.expect("FATAL")["code"] == "PROTOCOL"
        assert host.next() is None


@pytest.mark.parametrize(("hello", "writer"), [({}, None), ({"knows": ["writer"]}, ["http://localhost:5173"])])
def test_an_extension_from_before_the_writer_is_served_under_a_policy_that_has_one(
    tmp_path: Path, hello: dict[str, Any], writer: list[str] | None
) -> None:
    writers = 'principal = "writer"\n\n[writer]\npages = ["http://localhost:5173"]'
    policy = grant("http://127.0.0.1:1/", more=writers)
    with HostProcess(tmp_path, policy) as host:
        host.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="0.1.0", **hello)
        # Its guard refuses what it does not know, and with it the whole host.
        assert host.expect("WELCOME")["policy"].get("writer") == writer
