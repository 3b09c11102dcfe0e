"""The bytes of a response in files: exact from every offset, thrown away from the beginning, safe on a full disk."""

import errno
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from longwire.durable.open_files import OpenFiles
from longwire.durable.spool import Spool, SpoolFull, SpoolGap, SpoolLost
from tests.printed import say
from tests.unit.durable.samples import SmallDisk, names_in, open_descriptors

SEGMENT = 16


class LikeBytes(RuleBasedStateMachine):
    """A spool beside the bytes that it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.disk = SmallDisk(10**9, limit=2)
        self.spool = Spool(self.root / "spool", files=self.disk, segment_bytes=SEGMENT)
        self.body = b""
        self.trimmed = 0

    @rule(data=st.binary(max_size=3 * SEGMENT))
    def append(self, data: bytes) -> None:
        self.spool.append(data)
        self.body += data

    @rule(data=st.binary(min_size=1, max_size=3 * SEGMENT), cut=st.floats(0, 1, exclude_max=True))
    def append_to_a_full_disk(self, data: bytes, cut: float) -> None:
        self.disk.room = int(cut * len(data))
        with pytest.raises(SpoolFull):
            self.spool.append(data)
        self.disk.room = 10**9

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        offset = data.draw(st.integers(self.spool.first, len(self.body)))
        limit = data.draw(st.integers(1, 4 * SEGMENT))
        assert self.spool.read(offset, limit) == self.body[offset : offset + limit]

    @precondition(lambda self: self.spool.first > 0)
    @rule(data=st.data())
    def read_what_is_gone(self, data: st.DataObject) -> None:
        with pytest.raises(SpoolGap) as gap:
            self.spool.read(data.draw(st.integers(0, self.spool.first - 1)), 1)
        assert gap.value.first == self.spool.first

    @rule(beyond=st.integers(1, 100))
    def read_what_is_not_there_yet(self, beyond: int) -> None:
        with pytest.raises(ValueError, match=f"there are {len(self.body)} bytes"):
            self.spool.read(len(self.body) + beyond, 1)

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        below = data.draw(st.integers(0, len(self.body)))
        kept = self.spool.kept
        went = self.spool.trim(below)
        assert went == kept - self.spool.kept
        self.trimmed = max(self.trimmed, below)

    @rule()
    def close(self) -> None:
        self.spool.close()
        assert len(self.disk) == 0

    @rule()
    def sync(self) -> None:
        self.spool.sync()

    @rule()
    def find_it_again(self) -> None:
        first = self.spool.first
        self.spool = Spool(self.root / "spool", files=self.disk, segment_bytes=SEGMENT, end=len(self.body))
        assert self.spool.first == first

    @invariant()
    def holds_what_it_says(self) -> None:
        assert self.spool.end == len(self.body)
        # No more goes than may, and less than a segment stays of what may go.
        assert self.trimmed - SEGMENT < self.spool.first <= self.trimmed
        assert self.spool.read(self.spool.first, len(self.body) + 1) == self.body[self.spool.first :]
        folder = self.root / "spool"
        on_disk = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
        assert on_disk == self.spool.kept

    def teardown(self) -> None:
        self.disk.close_all()
        shutil.rmtree(self.root)


TestLikeBytes = LikeBytes.TestCase
TestLikeBytes.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_trimmed_spool_whose_last_segment_goes_too_goes_on_at_its_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", segment_bytes=SEGMENT)
    spool.append(b"x" * (SEGMENT + 3))
    assert spool.trim(spool.end) == SEGMENT + 3
    assert (spool.first, spool.end, spool.kept) == (SEGMENT + 3, SEGMENT + 3, 0)
    assert names_in(spool.folder) == set()
    spool.append(b"more")
    assert spool.read(spool.first, 100) == b"more"
    assert spool.read(spool.end, 100) == b""


def test_nothing_lies_on_the_disk_before_the_first_byte(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert spool.read(0, 10) == b""
    spool.sync()
    assert names_in(tmp_path) == set()


def test_files_and_folder_are_their_owners_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool")
        spool.append(b"secret")
    finally:
        os.umask(before)
    assert spool.folder.stat().st_mode & 0o7777 == 0o700
    assert [path.stat().st_mode & 0o7777 for path in spool.folder.iterdir()] == [0o600]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_what_was_read_stays_readable_when_the_disk_takes_nothing(tmp_path: Path, error: int) -> None:
    disk = SmallDisk(40, error=error)
    spool = Spool(tmp_path / "spool", files=disk, segment_bytes=SEGMENT)
    spool.append(b"a" * 36)
    with pytest.raises(SpoolFull, match=os.strerror(error)) as full:
        spool.append(b"b" * 30)
    assert str(tmp_path) not in full.value.text
    assert spool.read(0, 100) == b"a" * 36
    disk.room = 100
    spool.append(b"c")
    assert spool.read(30, 100) == b"a" * 6 + b"c"


LIMITED = """
import resource, sys
from pathlib import Path
from longwire.durable.spool import Spool, SpoolFull
spool = Spool(Path(sys.argv[1]))
spool.append(b"a" * 60_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))
try:
    spool.append(b"b" * 20_000)
except SpoolFull as full:
    part = spool.folder / ("0" * 16 + ".part")
    print(full.text, spool.end, spool.read(0, 10**6) == b"a" * 60_000, part.stat().st_size)
"""


def test_a_limit_that_the_system_sets_is_a_full_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "spool")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [*os.strerror(errno.EFBIG).split(), "60000", "True", "60000"]


def test_a_file_that_was_cut_or_removed_is_an_error_and_never_other_bytes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", segment_bytes=SEGMENT)
    spool.append(bytes(range(3 * SEGMENT)))
    spool.close()
    second = sorted(spool.folder.iterdir())[1]
    os.truncate(second, 3)
    assert spool.read(0, SEGMENT) == bytes(range(SEGMENT))
    with pytest.raises(SpoolLost):
        spool.read(SEGMENT, SEGMENT)
    spool.close()
    second.unlink()
    with pytest.raises(SpoolLost):
        spool.read(0, 2 * SEGMENT)
    with pytest.raises(SpoolLost):
        Spool(spool.folder, segment_bytes=SEGMENT, end=3 * SEGMENT)


def damage_link(folder: Path) -> None:
    part = sorted(folder.iterdir())[1]
    part.rename(folder.parent / "elsewhere")
    part.symlink_to(folder.parent / "elsewhere")


def damage_modes(folder: Path) -> None:
    sorted(folder.iterdir())[1].chmod(0o644)


@pytest.mark.parametrize("damage", [damage_link, damage_modes])
def test_a_link_or_a_file_that_others_may_read_is_not_read(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    spool = Spool(tmp_path / "spool", segment_bytes=SEGMENT)
    spool.append(b"x" * 40)
    spool.close()
    damage(spool.folder)
    with pytest.raises(SpoolLost):
        spool.read(0, 40)


def test_a_pipe_in_the_place_of_a_segment_is_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / f"{0:016d}.part", 0o600)
    with pytest.raises(SpoolFull):
        Spool(folder).append(b"x")


def test_what_is_to_be_found_again_must_be_one_piece_up_to_the_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", segment_bytes=SEGMENT)
    spool.append(b"x" * 40)
    with pytest.raises(SpoolLost):
        Spool(spool.folder, segment_bytes=SEGMENT, end=41)
    assert Spool(spool.folder, segment_bytes=SEGMENT, end=39).read(0, 100) == b"x" * 39
    (spool.folder / "notes.txt").touch()
    with pytest.raises(SpoolLost):
        Spool(spool.folder, segment_bytes=SEGMENT, end=40)
    assert Spool(tmp_path / "trimmed", end=40).first == 40


def test_a_discarded_spool_makes_no_files_any_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.discard()
    with pytest.raises(SpoolFull):
        spool.append(b"x")
    with pytest.raises(SpoolLost):
        spool.read(0, 1)
    assert names_in(tmp_path) == set()


def test_it_is_synced_in_a_thread_while_it_is_written_and_trimmed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", segment_bytes=1024)
    stop = threading.Event()
    failures: list[BaseException] = []

    def keep_syncing() -> None:
        try:
            while not stop.is_set():
                spool.sync()
        except BaseException as failure:  # noqa: BLE001  (shown in the test's own thread)
            failures.append(failure)

    thread = threading.Thread(target=keep_syncing)
    thread.start()
    for _ in range(2000):
        spool.append(b"x" * 200)
        spool.trim(spool.end - 3000)
    stop.set()
    thread.join()
    assert failures == []
    assert spool.read(spool.first, 10**6) == b"x" * spool.kept


def test_sync_reaches_every_file_that_was_written_since_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    spool = Spool(tmp_path / "spool", segment_bytes=SEGMENT)
    spool.append(b"x" * 40)
    monkeypatch.setattr(os, "fsync", fsync)
    spool.sync()
    parts = [path.stat().st_ino for path in sorted(spool.folder.iterdir())]
    assert synced == [*parts, spool.folder.stat().st_ino, tmp_path.stat().st_ino]
    del synced[:]
    spool.sync()
    assert synced == []
    spool.append(b"x")
    spool.sync()
    assert synced[0] == parts[2] and parts[0] not in synced


def test_a_thousand_spools_have_no_more_files_open_than_a_few(tmp_path: Path) -> None:
    files = OpenFiles(16)
    before = open_descriptors()
    spools = [Spool(tmp_path / str(number), files=files) for number in range(1000)]
    for turn in range(2):
        for number, spool in enumerate(spools):
            spool.append(b"%d/%d " % (turn, number))
            assert len(files) <= 16
    assert open_descriptors() - before == 16
    assert [spool.read(0, 100) for spool in spools] == [b"0/%d 1/%d " % (n, n) for n in range(1000)]
    assert open_descriptors() - before == 16
    files.close_all()
    assert open_descriptors() == before


def test_a_small_append_is_one_call_of_the_system_and_so_is_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append(b"first")
    calls: list[str] = []

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return real(*arguments, **options)

        return call

    for name in ("open", "pwrite", "pread", "fstat", "fsync", "lseek", "close"):
        monkeypatch.setattr(os, name, counted(name, getattr(os, name)))
    for _ in range(3):
        spool.append(b"an event")
        assert spool.read(spool.end - 8, 65536) == b"an event"
    assert calls == ["pwrite", "pread"] * 3


def test_figures_of_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    event, block = b"x" * 120, random.Random(1).randbytes(64 * 1024)
    began = time.process_time()
    for _ in range(5000):
        spool.append(event)
    appended = time.process_time() - began
    began = time.process_time()
    for _ in range(5000):
        spool.append(event)
        spool.read(spool.end - len(event), 65536)
    followed = time.process_time() - began
    began = time.process_time()
    for _ in range(512):
        spool.append(block)
        assert spool.read(spool.end - len(block), len(block)) == block
    blocks = 512 * len(block) / (time.process_time() - began) / 1e6
    say(
        f"spool, in processor time: {appended / 5000 * 1e6:.1f} µs to append an event, "
        f"{followed / 5000 * 1e6:.1f} to append and read it; {blocks:.0f} MB/s appended and read in blocks of 64 KiB"
    )
