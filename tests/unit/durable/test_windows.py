"""The folder of durable requests as on Windows, as far as a made-up one goes: locks and files."""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from longwire.durable import open_files, owners, store
from longwire.durable.open_files import open_own
from longwire.durable.owners import is_alive
from longwire.durable.record import RecordState
from longwire.durable.store import Store, StoreUnusable
from longwire.storage.lock import exclusive
from longwire.win32 import files
from tests.unit.durable.samples import carried_out, names_in, request
from tests.unit.win32.made_up import MadeUpWindows

BODY = bytes(range(256)) * 40


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUpWindows]:
    made_up = MadeUpWindows()
    monkeypatch.setattr(open_files, "_open", lambda path, flags: files.open_shared(made_up.api, str(path), flags))
    monkeypatch.setattr(open_files, "_read_at", files.read_at)
    monkeypatch.setattr(open_files, "_write_at", files.write_at)
    monkeypatch.setattr(owners, "lock_now", functools.partial(files.lock_now, made_up.api))
    monkeypatch.setattr(store, "exclusive", functools.partial(exclusive, platform="win32"))
    yield made_up
    assert not made_up.handles


def test_what_one_daemon_keeps_the_next_reads(windows: MadeUpWindows, tmp_path: Path) -> None:
    folder = tmp_path / "durable"
    first = Store(folder, "one")
    carried_out(first, "done", BODY)
    first.claim(request("running"))
    first.spool(request("running").id, 4096).append(BODY)
    assert is_alive(folder, "one") and is_alive(folder, "one")
    with pytest.raises(StoreUnusable, match="another process holds"):
        Store(folder, "one")
    second = Store(folder, "two")
    found = second.find(request("running").key)
    assert found is not None and found.state is RecordState.RUNNING, "its owner lives"
    second.close()
    first.close()
    assert not is_alive(folder, "one")
    third = Store(folder, "three")
    done, running = third.find(request("done").key), third.find(request("running").key)
    assert done is not None and third.spool(done.id).read(0, 2 * len(BODY)) == BODY
    assert running is not None and running.state is RecordState.UNKNOWN
    for record in (done, running):
        assert third.delete(record.id)
    assert names_in(folder) == set()
    third.close()


def test_a_link_is_nobodys_file(tmp_path: Path, windows: MadeUpWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(0o600)
    os.close(open_own(tmp_path / "file", os.O_RDONLY))
    real = os.fstat

    def linked(descriptor: int) -> SimpleNamespace:
        status = real(descriptor)
        return SimpleNamespace(st_mode=status.st_mode, st_uid=status.st_uid, st_file_attributes=0x400)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", linked)
        with pytest.raises(PermissionError, match="not a file of this user alone"):
            open_own(tmp_path / "file", os.O_RDONLY)
