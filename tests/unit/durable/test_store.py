"""One folder for all durable requests of a user: claimed once, found again, given up by the dead, closed to others."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from longwire.durable import store as store_module
from longwire.durable.record import NOBODY, Key, Record, RecordState
from longwire.durable.record_files import record_path
from longwire.durable.store import KeyRefused, KeyTaken, Store, StoreUnusable
from longwire.storage.lock import exclusive
from tests.unit.durable.samples import (
    ENDING,
    HEAD,
    START,
    carried_out,
    ended,
    names_in,
    open_descriptors,
    request,
)

OTHER_USER = 4321


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "longwire" / "durable"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store(folder, "one", now_ms=lambda: START)
    yield opened
    opened.close()


def test_a_claim_is_on_disk_with_its_name_before_it_gives_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        is_folder = os.path.samestat(os.fstat(descriptor), store.folder.stat())
        done.append("folder" if is_folder else "file")
        fsync(descriptor)

    def replaced(path: Path, target: Path) -> Path:
        done.append("name")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    record = request()
    store.claim(record)
    assert done == ["file", "name", "folder"]
    assert Record.model_validate_json(record_path(store.folder, record.id).read_bytes()) == record


def test_a_claimed_key_is_taken_and_another_profile_origin_or_name_is_free(store: Store) -> None:
    store.claim(request())
    with pytest.raises(KeyTaken) as taken:
        store.claim(request(url="https://elsewhere.example.com/"))
    assert taken.value.record == request()
    others = [request(profile="profile-2"), request(origin="https://x.example.com"), request("answer2")]
    for other in others:
        assert store.find(other.key) is None
        store.claim(other)
    assert store.find(request().key) == request()
    assert len(store.records()) == 4


def test_what_has_ended_is_found_by_the_next_daemon_with_every_byte(folder: Path) -> None:
    first = Store(folder, "one")
    record = carried_out(first, "answer", b"x" * 3_000_000)
    first.close()
    with_next = Store(folder, "two")
    found = with_next.find(record.key)
    assert found == record.model_copy(update={"owner": "two", "head": HEAD, "ending": ENDING})
    spool = with_next.spool(record.id)
    assert spool.read(0, 10**7) == b"x" * 3_000_000
    assert with_next.spool(record.id) is spool
    with_next.close()


def test_what_ran_when_its_daemon_died_is_unknown_without_a_byte_and_keeps_its_key(folder: Path) -> None:
    first = Store(folder, "one")
    record = request()
    first.claim(record)
    first.spool(record.id).append(b"secret")
    first.save(record.model_copy(update={"head": HEAD}))
    first.close()
    second = Store(folder, "two", now_ms=lambda: START + 5)
    (found,) = second.records()
    assert (found.state, found.ended_ms, found.head, found.bytes) == (RecordState.UNKNOWN, START + 5, None, 0)
    assert names_in(folder) == {f"{record.id}.json"}
    with pytest.raises(KeyError):
        second.spool(record.id)
    with pytest.raises(KeyTaken) as taken:
        second.claim(request(owner="two"))
    assert taken.value.record.state == RecordState.UNKNOWN
    assert second.expired(START + 10**12) == []
    assert second.delete(record.id)
    second.claim(request(owner="two"))
    second.close()


def test_a_daemon_that_dies_while_another_lives_is_noticed_at_the_next_look(folder: Path) -> None:
    first, second = Store(folder, "one"), Store(folder, "two")
    running, done = request("running"), carried_out(first, "done", b"body")
    first.claim(running)
    assert second.adopt() == []
    assert second.find(running.key) == running
    assert [each.owner for each in second.records()] == ["one", "one"]
    with pytest.raises(KeyError):
        second.spool(done.id)
    with pytest.raises(StoreUnusable, match="one has this request"):
        second.delete(running.id)
    first.close()
    found = second.find(running.key)
    assert found is not None and found.state == RecordState.UNKNOWN
    assert second.spool(done.id).read(0, 10) == b"body"
    assert not (folder / "one.lock").exists()
    second.close()


def test_a_daemon_that_starts_waits_for_no_disk_but_has_what_it_took_over_written_through(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Store(folder, "one")
    ids = {carried_out(first, str(number), b"x").id for number in range(3)}
    first.close()
    synced: list[tuple[int, bool]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, threading.current_thread() is threading.main_thread()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    second = Store(folder, "two")
    for thread in threading.enumerate():
        if thread.name == "durable-records":
            thread.join()
    inodes = {record_path(folder, key_id).stat().st_ino for key_id in ids} | {folder.stat().st_ino}
    assert (inodes, {in_main for _, in_main in synced}) == ({inode for inode, _ in synced}, {False})
    second.close()


def test_a_daemon_that_retires_leaves_what_has_ended_and_what_ends_later(folder: Path) -> None:
    first = Store(folder, "one")
    done, running = carried_out(first, "done", b"body"), request("running")
    first.claim(running)
    spool = first.spool(running.id)
    spool.append(b"half ")
    first.retire()
    assert first.find(done.key) == done.model_copy(update={"owner": NOBODY})
    second = Store(folder, "two")
    assert [each.owner for each in second.records() if each.id == done.id] == ["two"]
    assert first.adopt() == []
    spool.append(b"whole")
    spool.sync()
    first.save(ended(running, 10))
    assert first.expired(10**15) == []
    assert [each.id for each in second.adopt()] == [running.id]
    assert second.spool(running.id).read(0, 100) == b"half whole" == spool.read(0, 100)
    first.close()
    assert second.adopt() == []
    second.close()


def test_two_daemons_of_one_name_cannot_be(folder: Path, store: Store) -> None:
    before = open_descriptors()
    with pytest.raises(StoreUnusable, match=r"one\.lock") as refused:
        Store(folder, "one")
    assert "longwire durable stop" in refused.value.fix
    assert open_descriptors() == before
    assert store.is_alive("one") and not store.is_alive("two") and not store.is_alive(NOBODY)
    for name in ("", "../x", "a/b", ".x", "x" * 65, "a\n"):
        with pytest.raises(ValueError, match="name of an owner"):
            Store(folder, name)


RACE = """
import sys
from pathlib import Path
from longwire.durable.store import KeyTaken, Store
from tests.unit.durable.samples import request
store = Store(Path(sys.argv[1]), sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
won = []
for number in range(40):
    try:
        store.claim(request(str(number), sys.argv[2]))
    except KeyTaken as taken:
        assert taken.record.owner != sys.argv[2], taken.record
    else:
        won.append(number)
print(*won, flush=True)
sys.stdin.readline()
"""


def test_of_daemons_that_claim_at_once_exactly_one_wins_each_key(folder: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(folder), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b", "c")
    ]
    wins: list[str] = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        assert racer.stdout is not None
        wins += racer.stdout.readline().split()
    assert sorted(wins, key=int) == [str(number) for number in range(40)]
    for racer in racers:
        racer.communicate("end\n")
        assert racer.returncode == 0


def test_of_threads_that_claim_at_once_exactly_one_wins(store: Store) -> None:
    won: list[int] = []

    def claim(number: int) -> None:
        try:
            store.claim(request(url=f"https://api.example.com/{number}"))
        except KeyTaken:
            return
        won.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_forgotten_request_is_gone_with_its_bytes_and_stays_so(store: Store) -> None:
    record = request()
    store.claim(record)
    spool = store.spool(record.id)
    spool.append(b"x")
    assert store.delete(record.id)
    assert not store.delete(record.id)
    assert not store.delete("../../etc/passwd")
    store.save(ended(record, 1))
    assert (names_in(store.folder), store.records(), store.find(record.key)) == (set(), [], None)
    store.claim(record)
    assert store.spool(record.id) is not spool
    assert store.spool(record.id).end == 0


def test_an_end_that_is_written_late_is_none_of_the_next_request_with_its_key(folder: Path) -> None:
    store, first = Store(folder, "one"), request()
    store.claim(first)
    assert store.delete(first.id)
    second = request(started_ms=START + 1, digest="1" * 64)
    store.claim(second)
    store.save(ended(first, 3))
    assert store.find(first.key) == second
    assert store.expired(START + 3_601_000) == []
    store.close()
    other = Store(folder, "two")
    assert [each.state for each in other.records()] == [RecordState.UNKNOWN]
    other.close()


def test_what_was_kept_long_enough_is_told_and_nothing_else(store: Store) -> None:
    early, late = carried_out(store, "early", b"", keep_ms=500), carried_out(store, "late", b"", keep_ms=5000)
    store.claim(request("running"))
    assert store.expired(START + 1499) == []
    assert store.expired(START + 1500) == [early]
    assert store.expired(START + 9999) == [early, late]


def test_what_ended_by_a_clock_that_was_ahead_is_kept_no_longer_for_it(folder: Path) -> None:
    first = Store(folder, "one")
    record = carried_out(first, "answer", b"", keep_ms=500)
    first.close()
    second = Store(folder, "two", now_ms=lambda: START - 10**10)
    assert [each.id for each in second.expired(START - 10**10 + 500)] == [record.id]
    second.close()


def test_a_record_that_cannot_be_written_is_not_claimed_and_frees_its_key(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, iter([True, False])

    def fsync(descriptor: int) -> None:
        if not next(calls, True):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreUnusable, match="No space left") as full:
        store.claim(request())
    assert "space" in full.value.fix
    assert names_in(store.folder) == set()
    store.claim(request())


def test_an_end_that_cannot_be_written_is_known_here_and_unknown_to_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = request()
    store.claim(record)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(store_module, "write_record", refuse)
        with pytest.raises(StoreUnusable, match="Input/output"):
            store.save(ended(record, 0))
    assert store.find(record.key) == ended(record, 0)
    store.close()
    (found,) = Store(store.folder, "two").records()
    assert found.state == RecordState.UNKNOWN


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": "2"}',
        b"[" * 100_000,
        b'{"version": 1, "name": "\\ud800"}',
        b"\xff" * 10,
        b" " * (5 * 1024 * 1024),
    ],
)
def test_a_damaged_record_is_unknown_and_can_be_forgotten(folder: Path, damage: bytes) -> None:
    first = Store(folder, "one")
    record = carried_out(first, "answer", b"body")
    first.close()
    record_path(folder, record.id).write_bytes(damage)
    second = Store(folder, "two")
    found = second.find(record.key)
    assert found is not None and found.state == RecordState.UNKNOWN
    with pytest.raises(KeyTaken):
        second.claim(request(owner="two"))
    assert second.records() == []
    assert [(each.id, each.why) for each in second.unreadable()] == [(record.id, "damaged")]
    assert second.delete(record.id)
    assert second.find(record.key) is None
    assert names_in(folder) == set()
    second.close()


def test_a_record_under_another_records_name_is_damaged(store: Store) -> None:
    record = carried_out(store, "answer", b"")
    other = Key("p", "https://evil.example.com", "mine")
    record_path(store.folder, other.id).write_bytes(record_path(store.folder, record.id).read_bytes())
    record_path(store.folder, other.id).chmod(0o600)
    found = store.find(other)
    assert found is not None and found.state == RecordState.UNKNOWN and found.url != record.url


def test_what_a_newer_longwire_wrote_is_left_alone_and_its_key_refused(folder: Path) -> None:
    first = Store(folder, "one")
    record = carried_out(first, "answer", b"body")
    first.close()
    path = record_path(folder, record.id)
    newer = orjson.dumps({**orjson.loads(path.read_bytes()), "version": 2, "shape": "unheard of"})
    path.write_bytes(newer)
    second = Store(folder, "two")
    with pytest.raises(KeyRefused, match="newer Longwire"):
        second.find(record.key)
    with pytest.raises(KeyRefused, match="newer Longwire"):
        second.claim(request(owner="two"))
    with pytest.raises(KeyRefused, match="newer Longwire"):
        second.delete(record.id)
    assert [each.why for each in second.unreadable()] == ["newer"]
    assert path.read_bytes() == newer
    assert (folder / record.id).is_dir()
    second.close()


def test_an_ended_request_whose_bytes_are_damaged_is_unknown(folder: Path) -> None:
    first = Store(folder, "one")
    short, missing = carried_out(first, "short", b"body"), carried_out(first, "linked", b"body")
    first.close()
    (part,) = (folder / short.id).iterdir()
    part.write_bytes(b"bod")
    (part,) = (folder / missing.id).iterdir()
    part.rename(folder / "elsewhere")
    (folder / missing.id).rmdir()
    (folder / missing.id).symlink_to(folder)
    second = Store(folder, "two")
    assert {each.state for each in second.records()} == {RecordState.UNKNOWN}
    assert names_in(folder) == {f"{short.id}.json", f"{missing.id}.json", "elsewhere"}
    second.close()


def test_what_changes_left_behind_is_swept_and_nothing_else_is_touched(folder: Path) -> None:
    first = Store(folder, "dead")
    record = carried_out(first, "answer", b"body")
    first.close()
    (folder / ("f" * 64)).mkdir()
    (folder / ("f" * 64) / "0.part").write_bytes(b"left")
    (folder / f".{record.id}.json.abcd1234").write_bytes(b"half")
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / ".hidden").write_bytes(b"mine")
    second = Store(folder, "two")
    assert {path.name for path in folder.iterdir()} == {
        record.id,
        f"{record.id}.json",
        "notes.txt",
        ".hidden",
        "two.lock",
    }
    second.close()


def test_bytes_without_a_record_are_not_found_by_the_next_claim(store: Store) -> None:
    record = request()
    left = store.folder / record.id
    left.mkdir(mode=0o700)
    (left / f"{0:016d}.part").write_bytes(b"another answer")
    store.claim(record)
    assert not left.exists()
    store.spool(record.id).append(b"new")
    assert store.spool(record.id).read(0, 100) == b"new"


def test_the_folder_is_made_for_its_owner_alone_and_refused_if_it_is_not(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Store(tmp_path / "made", "one").close()
        for mode in (0o755, 0o710, 0o701, 0o770):
            loose = tmp_path / oct(mode)
            loose.mkdir()
            loose.chmod(mode)
            with pytest.raises(StoreUnusable, match="not this user's alone") as refused:
                Store(loose, "one")
            assert f"chmod 700 {loose}" in refused.value.fix
            assert list(loose.iterdir()) == []
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o7777 == 0o700
    assert (tmp_path / "made" / "one.lock").stat().st_mode & 0o7777 == 0o600


def test_a_link_or_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    for name in ("link", "dangling", "file"):
        with pytest.raises(StoreUnusable):
            Store(tmp_path / name, "one")
    assert list((tmp_path / "real").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: OTHER_USER)


def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(folder, "one").close()
    as_others(monkeypatch)
    with pytest.raises(StoreUnusable, match="not this user's alone"):
        Store(folder, "two")


def make_loose(path: Path) -> None:
    path.chmod(0o644)


def make_link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("change", [make_loose, make_link, make_folder, make_pipe])
def test_a_record_that_is_no_file_of_this_user_alone_is_not_believed(folder: Path, change: object) -> None:
    assert callable(change)
    first = Store(folder, "one")
    record = carried_out(first, "answer", b"body")
    first.close()
    change(record_path(folder, record.id))
    second = Store(folder, "two")
    assert second.records() == []
    assert [each.why for each in second.unreadable()] == ["damaged"]
    with pytest.raises(KeyTaken):
        second.claim(request(owner="two"))
    assert second.delete(record.id)
    assert names_in(folder) == set()
    second.close()


def test_a_lock_that_is_a_link_is_not_taken(folder: Path, tmp_path: Path) -> None:
    Store(folder, "one").close()
    (folder / "two.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnusable, match=r"two\.lock is a link"):
        Store(folder, "two")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_that_others_may_read_is_named(folder: Path) -> None:
    Store(folder, "one").close()
    (folder / "one.lock").chmod(0o644)
    with pytest.raises(StoreUnusable, match=r"one\.lock is not a file of this user alone"):
        Store(folder, "one")


def test_a_folder_that_somebody_removed_is_made_again_with_the_owners_lock(store: Store) -> None:
    store.claim(request("before"))
    (store.folder / "one.lock").unlink()
    record_path(store.folder, request("before").id).unlink()
    store.folder.rmdir()
    store.claim(request("after"))
    other = Store(store.folder, "two")
    assert [each.state for each in other.records()] == [RecordState.RUNNING]
    other.close()


def test_a_folder_that_another_process_keeps_locked_is_an_error_and_no_hang(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LOCK_PATIENCE_S", 0.0)
    with exclusive(store.folder), pytest.raises(StoreUnusable, match=r"keeps .* locked"):
        store.claim(request())
    store.claim(request())


def test_descriptors_do_not_grow_with_requests_that_come_and_go(store: Store) -> None:
    store.claim(request("first"))
    store.spool(request("first").id).append(b"x")
    before = open_descriptors()
    for number in range(40):
        record = carried_out(store, str(number), b"x" * 10)
        store.spool(record.id).read(0, 10)
        assert store.delete(record.id)
    assert open_descriptors() == before
    assert names_in(store.folder) == {f"{request('first').id}.json", request("first").id}
    assert len(store._spools) == 1
