"""`longwire durable`: real hosts and their daemon, as browsers start them, and what those leave when they end."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from longwire.cli.daemon_ending import kill_command
from longwire.daemon.client import NoDaemonThere, ask
from longwire.durable.record_files import record_path
from longwire.durable.store import FOLDER_NAME, Store
from longwire.folders import durable_folder
from tests.host_process import PAGE, HostProcess, environment, grant
from tests.patience import PATIENCE_S
from tests.unit.durable.samples import START, carried_out, request
from tests.unit.home import Done, run_command
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

OWN_PAGE = PAGE | {"profile": "profile-1"}
OTHER_PAGE = OWN_PAGE | {"origin": "http://localhost:5174"}


class Place:
    """A user's home, an upstream, and hosts between them."""

    def __init__(self, home: Path, upstream: ThreadedServer) -> None:
        self.home = home
        self.upstream = upstream
        self.policy = grant(upstream.url("/"), more='durable = { max_bytes = "1MiB" }').replace(
            f'pages = ["{PAGE["origin"]}"]', 'pages = ["http://localhost:*"]'
        )

    def run(self, *words: str) -> Done:
        return run_command(environment(self.home), "durable", *words)

    def told(self, *words: str) -> dict[str, Any]:
        told = json.loads(self.run(*words, "--json").out)
        assert isinstance(told, dict)
        return told

    @property
    def folder(self) -> Path:
        return self.home / "state" / "longwire" / FOLDER_NAME

    def host(self) -> HostProcess:
        host = HostProcess(self.home, self.policy)
        host.hello()
        return host


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ThreadedServer(lambda: Server(make_app().routes)) as upstream:
        there = Place(tmp_path, upstream)
        yield there
        there.run("stop", "--force")


def asked(place: Place, what: dict[str, Any]) -> dict[str, Any]:
    with mock.patch.dict(os.environ, environment(place.home), clear=True):
        return ask(what)


def begin(host: HostProcess, number: int, url: str, key: str, page: dict[str, Any] = OWN_PAGE) -> None:
    host.start(number, url, page=page, durable={"key": key})
    assert host.expect("STREAM_HEADERS")["id"] == number


def test_before_there_is_anything_it_says_so_and_makes_nothing(place: Place) -> None:
    assert place.run("list").out == "nothing is durable, and no daemon runs\n"
    assert place.told("list") == {"daemon": False, "requests": [], "unreadable": []}
    assert place.run("stop").out == "no daemon runs\n"
    done = place.run("forget", "answer")
    assert (done.code, "`longwire durable list` has their keys" in done.err) == (1, True)
    assert not place.folder.exists()


def test_what_runs_and_what_has_ended_is_listed_and_forgotten_by_key_or_id(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.url("/endless?token=hidden"), "long answer")
        begin(host, 2, place.upstream.url("/bytes?size=5000"), "short")
        assert len(host.body(2)[0]) == 5000
        begin(host, 3, place.upstream.url("/bytes?size=10"), "short", OTHER_PAGE)
        host.body(3)
        rows = {row[1:3]: row for row in (tuple(line.split("\t")) for line in place.run("list").out.splitlines())}
        running = rows["http://localhost:5173", "long answer"]
        assert running[3] == f"GET {place.upstream.url('/endless')}"
        assert (running[4], running[7]) == ("running, 1 reader", "-")
        ended = rows["http://localhost:5173", "short"]
        assert ended[4:6] == ("ended", "5,000")
        assert len(rows) == 3 and "hidden" not in str(rows)

        told = place.told("list")
        assert told["daemon"] is True and told["unreadable"] == []
        ids = {(each["origin"], each["key"]): each["id"] for each in told["requests"]}
        assert ids["http://localhost:5173", "short"].startswith(ended[0])

        done = place.run("forget", "short")
        assert done.code == 2 and ended[0] in done.err
        assert place.run("forget", ended[0]).out.startswith('forgotten  "short" of http://localhost:5173: GET http')
        assert (place.run("forget", ended[0]).code, place.run("forget", "x" * 64).code) == (1, 1)
        done = place.run("forget", "long answer")
        assert done.out.endswith("/endless, which was running and is aborted\n")
        while (message := host.next()) is not None and message["type"] not in ("STREAM_ERROR", "STREAM_ABORTED"):
            pass
        assert message is not None and message["id"] == 1
        assert [each["origin"] for each in place.told("list")["requests"]] == ["http://localhost:5174"]
        # Its key is free: the same one is another request now.
        begin(host, 4, place.upstream.url("/bytes?size=7"), "long answer")
        assert len(host.body(4)[0]) == 7


def test_stopping_is_refused_while_a_request_runs_and_makes_it_unknown_if_forced(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.url("/bytes?size=9"), "done")
        host.body(1)
        begin(host, 2, place.upstream.url("/endless"), "running")
        done = place.run("stop")
        assert (done.code, done.out) == (1, "")
        assert "durable requests that are running: 1" in done.err and "--force" in done.err
        assert place.told("list")["daemon"] is True
        stopped = place.told("stop", "--force")
        assert stopped["unknown"] == 1 and len(stopped["stopped"]) == 1
    told = place.told("list")
    assert told["daemon"] is False
    assert {each["key"]: each["state"] for each in told["requests"]} == {"done": "ended", "running": "unknown"}
    # What is left lies in the state folder, and is forgotten there.
    assert place.run("forget", "running").code == 0
    assert place.run("forget", "done").out.startswith('forgotten  "done"')
    assert place.told("list")["requests"] == []
    assert {path.suffix for path in place.folder.iterdir()} <= {".lock"}


def test_a_daemon_that_was_killed_leaves_what_ran_as_unknown_at_once(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.url("/endless"), "running")
        os.kill(int(asked(place, {"do": "status"})["pid"]), signal.SIGKILL)
        while host.next() is not None:
            pass
    assert [each["state"] for each in place.told("list")["requests"]] == ["unknown"]


def test_what_an_earlier_daemon_still_carries_out_is_listed_and_forgotten_too(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.url("/endless"), "running")
        assert asked(place, {"do": "retire"}) == {"retired": True}
        (row,) = place.run("list").out.splitlines()
        assert row.split("\t")[4:6] == ["running in an earlier daemon", "-"]
        assert (place.run("stop").code, place.run("forget", "running").code) == (1, 0)
        while (message := host.next()) is not None and message["type"] not in ("STREAM_ERROR", "STREAM_ABORTED"):
            pass
    assert place.run("list").out.startswith("nothing is durable")


def test_without_a_daemon_the_files_tell_how_each_ended_and_from_where_it_is_kept(place: Place) -> None:
    store = Store(place.folder, "one")
    trimmed = carried_out(store, "trimmed", b"x" * 100)
    store.claim(request("died"))
    store.close()
    (part,) = (place.folder / trimmed.id).iterdir()
    part.rename(part.with_name(f"{40:016d}.part"))
    os.truncate(place.folder / trimmed.id / f"{40:016d}.part", 60)
    rows = {row[2]: row for row in (line.split("\t") for line in place.run("list").out.splitlines())}
    assert rows["trimmed"][4:6] == ["ended", "100, kept from 40 on"]
    assert rows["died"][4:6] == ["unknown", "0"]
    assert rows["died"][6].startswith("2023-11-1")  # START, wherever this runs
    assert START == 1_700_000_000_000


def test_what_an_earlier_policy_kept_is_deleted_by_the_next_host_although_it_grants_nothing_durable(
    place: Place,
) -> None:
    assert durable_folder().name == FOLDER_NAME
    store = Store(place.folder, "one")
    carried_out(store, "answer", b"secret")
    store.claim(request("died"))
    store.close()
    place.policy = grant(place.upstream.url("/"))
    with place.host():
        deadline = time.monotonic() + PATIENCE_S
        while [each["state"] for each in place.told("list")["requests"]] != ["unknown"]:
            assert time.monotonic() < deadline
    assert [path for path in place.folder.iterdir() if path.is_dir()] == []
    place.run("stop")
    # What is left has no bytes, and no reason for a daemon.
    with place.host():
        assert place.told("list")["daemon"] is False


def test_what_cannot_be_read_is_a_problem_that_can_be_forgotten_unless_it_is_a_newer_ones(place: Place) -> None:
    store = Store(place.folder, "one")
    damaged, newer = carried_out(store, "damaged", b"x"), carried_out(store, "newer", b"x")
    store.close()
    record_path(place.folder, damaged.id).write_text("{")
    record_path(place.folder, newer.id).write_text('{"version": 2}')
    done = place.run("list")
    assert (done.code, done.out) == (1, "")
    assert f"{damaged.id}.json is damaged\n  fix: " in done.err
    assert f"longwire durable forget {damaged.id[:12]}" in done.err
    assert "newer Longwire\n  fix: use the version of Longwire that wrote it" in done.err
    whys = {each["id"]: each["why"] for each in place.told("list")["unreadable"]}
    assert whys == {damaged.id: "damaged", newer.id: "newer"}
    assert place.run("forget", newer.id).code == 1
    assert place.run("forget", damaged.id[:12]).out == f"forgotten  {damaged.id[:12]}, whatever it was\n"
    assert [each["id"] for each in place.told("list")["unreadable"]] == [newer.id]


def test_a_folder_that_others_may_read_is_not_listed(place: Place) -> None:
    Store(place.folder, "one").close()
    place.folder.chmod(0o755)
    done = place.run("list")
    assert (done.code, done.out) == (1, "")
    assert "not this user's alone" in done.err and "`longwire doctor`" in done.err


def test_controls_of_a_foreign_text_are_shown_as_codes(place: Place) -> None:
    store = Store(place.folder, "one")
    carried_out(store, "a\x1b[31mb", b"", origin="https://a.example\u202ecom")
    store.close()
    out = place.run("list").out
    assert "\x1b" not in out and "a\\x1b[31mb" in out
    assert "\u202e" not in out


def test_uninstalling_ends_the_daemon_and_leaves_nothing_of_what_ran(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.server.url("/endless"), "runs")
        pid = asked(place, {"do": "status"})["pid"]
        done = run_command(environment(place.home), "uninstall")
        assert host.process.wait(PATIENCE_S) == 1
    assert f"stopped    process {pid} (the daemon of durable requests)" in done.out
    assert "lost       durable requests that were running: 1" in done.out
    assert f"removed    {place.folder} (responses of durable requests)" in done.out
    assert not place.folder.exists()
    with pytest.raises(NoDaemonThere):
        asked(place, {"do": "status"})


def test_a_daemon_that_does_not_answer_is_named_and_its_requests_stay(place: Place) -> None:
    with place.host() as host:
        begin(host, 1, place.upstream.server.url("/endless"), "runs")
        pid = asked(place, {"do": "status"})["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            done = run_command(environment(place.home), "uninstall")
        finally:
            os.kill(pid, signal.SIGCONT)
    assert f"not ended  the daemon (process {pid}) does not answer" in done.out
    assert f"kept       {place.folder} (a daemon runs" in done.out
    assert (done.code, place.folder.exists()) == (0, True)


def test_a_process_that_does_not_end_is_killed_by_the_systems_own_command() -> None:
    assert [kill_command(7, "linux"), kill_command(7, "win32")] == ["kill 7", "taskkill /F /PID 7"]
