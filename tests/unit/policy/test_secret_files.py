"""Who else could read or change a secret's file. Owners are injected: the same results as root and as anyone."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from longwire.policy.ca_files import check_ca_file
from longwire.policy.secret_files import mode_problem, read_secret_file
from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import SecretSource, UnusableSecret
from longwire.protocol.errors import ErrorCode, StreamError

ME = 1000
STRANGER = 1001
ROOT = 0


def status(mode: int, uid: int) -> os.stat_result:
    return cast("os.stat_result", SimpleNamespace(st_mode=stat.S_IFREG | mode, st_uid=uid))


def opened_as(mode: int, uid: int) -> Callable[[int], os.stat_result]:
    return lambda _descriptor: status(mode, uid)


@pytest.mark.parametrize(
    ("mode", "uid", "problem"),
    [
        (0o600, ME, None),
        (0o400, ME, None),
        (0o700, ME, None),
        (0o640, ME, "read by others"),
        (0o604, ME, "read by others"),
        (0o601, ME, "read by others"),
        (0o644, ME, "read by others"),
        (0o620, ME, "written by others"),
        (0o602, ME, "written by others"),
        (0o600, ROOT, None),
        (0o640, ROOT, None),
        (0o444, ROOT, None),
        (0o664, ROOT, "written by others"),
        (0o646, ROOT, "written by others"),
        (0o600, STRANGER, "belongs neither to you nor to root"),
        (0o444, STRANGER, "belongs neither to you nor to root"),
    ],
)
def test_the_matrix_of_owner_and_mode(tmp_path: Path, mode: int, uid: int, problem: str | None) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"value-0123456789\n")
    if problem is None:
        assert read_secret_file(str(file), uid=ME, fstat=opened_as(mode, uid)) == b"value-0123456789"
        return
    with pytest.raises(UnusableSecret, match=problem) as caught:
        read_secret_file(str(file), uid=ME, fstat=opened_as(mode, uid))
    assert "value-" not in str(caught.value)


def test_root_reads_its_own_files_by_the_administrators_rule() -> None:
    assert mode_problem(status(0o644, ROOT), ROOT) is None
    assert mode_problem(status(0o666, ROOT), ROOT) is not None


def test_where_there_are_no_user_ids_nothing_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"value")

    assert read_secret_file(str(file), uid=-1, fstat=opened_as(0o777, STRANGER)) == b"value"


def test_the_real_modes_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"value")
    file.chmod(0o666)

    with pytest.raises(UnusableSecret, match="written by others"):
        read_secret_file(str(file), uid=os.geteuid())


def test_what_is_judged_is_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    file, link = tmp_path / "key", tmp_path / "link"
    file.write_bytes(b"value")
    file.chmod(0o602)
    link.symlink_to(file)

    with pytest.raises(UnusableSecret, match="written by others"):
        read_secret_file(str(link), uid=os.geteuid())


def folders_as(changed: dict[Path, tuple[int, int]]) -> Callable[[str], os.stat_result]:
    """An `lstat` under which everything is root's alone, but for these: uid and mode."""

    def lstat(path: str) -> os.stat_result:
        real = os.lstat(path)
        uid, mode = changed.get(Path(path), (ROOT, 0o755))
        return cast(
            "os.stat_result", SimpleNamespace(st_mode=stat.S_IFMT(real.st_mode) | mode, st_uid=uid, st_gid=STRANGER)
        )

    return lstat


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "folder" / "secrets" / "key"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"value-0123456789\n")
    return file


@pytest.mark.parametrize("above", [0, 1, 2])
@pytest.mark.parametrize(
    ("uid", "mode", "usable"),
    [
        (ME, 0o700, True),
        (ME, 0o755, True),
        (ROOT, 0o755, True),
        (ROOT, 0o1777, True),  # sticky, as /tmp: nobody moves what is another's
        (ME, 0o775, False),
        (ME, 0o757, False),
        (ROOT, 0o777, False),
        (STRANGER, 0o755, False),
        (STRANGER, 0o1777, False),
    ],
)
def test_who_could_replace_the_file_is_asked_of_every_folder_above(
    key: Path, above: int, uid: int, mode: int, usable: bool
) -> None:
    folder = key.parents[above]
    lstat = folders_as({folder: (uid, mode)})
    if usable:
        assert read_secret_file(str(key), uid=ME, fstat=opened_as(0o600, ME), lstat=lstat) == b"value-0123456789"
        return
    with pytest.raises(UnusableSecret) as caught:
        read_secret_file(str(key), uid=ME, fstat=opened_as(0o600, ME), lstat=lstat)
    assert str(caught.value) == "lies where others could put another file in its place"
    assert str(folder) in (caught.value.detail or "")
    assert ("run `chmod go-w" in (caught.value.detail or "")) is (uid != STRANGER)


def test_the_folders_behind_a_link_count_as_well(key: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key)
    lstat = folders_as({key.parent: (ME, 0o777)})

    with pytest.raises(UnusableSecret) as caught:
        read_secret_file(str(link), uid=ME, fstat=opened_as(0o600, ME), lstat=lstat)
    assert str(key.parent) in (caught.value.detail or "")


def test_a_group_of_ones_own_is_nobody_else(key: Path) -> None:
    lstat = folders_as({key.parent: (ME, 0o775)})
    status = opened_as(0o600, ME)

    assert read_secret_file(str(key), uid=ME, fstat=status, lstat=lstat, in_own_group=lambda gid, uid: True)


def test_where_there_are_no_user_ids_no_folder_is_asked_for(key: Path) -> None:
    lstat = folders_as({key.parent: (STRANGER, 0o777)})

    assert read_secret_file(str(key), uid=-1, fstat=opened_as(0o777, STRANGER), lstat=lstat)


def test_the_page_reads_no_path_and_the_administrator_reads_the_command(key: Path) -> None:
    reader = SecretReader(uid=lambda: ME, fstat=opened_as(0o600, ME), lstat=folders_as({key.parent: (ME, 0o777)}))
    with pytest.raises(StreamError) as refused:
        reader.read(SecretSource("api", "file", str(key)))

    assert refused.value.code is ErrorCode.SECRET_UNAVAILABLE
    assert str(key.parent) not in refused.value.text
    assert f"run `chmod go-w {key.parent}`" in refused.value.reason


@pytest.mark.parametrize("place", ["ca.pem", "", ".."])
@pytest.mark.parametrize(
    ("uid", "mode", "usable"), [(ME, 0o644, True), (ROOT, 0o644, True), (ME, 0o666, False), (STRANGER, 0o644, False)]
)
def test_a_ca_file_is_asked_for_as_the_policy_is(tmp_path: Path, place: str, uid: int, mode: int, usable: bool) -> None:
    file = tmp_path / "folder" / "ca.pem"
    file.parent.mkdir()
    file.touch()
    node = Path(os.path.normpath(file.parent / place))
    lstat = folders_as({node: (uid, mode)})
    if usable:
        check_ca_file(str(file), uid=lambda: ME, lstat=lstat)
        return
    with pytest.raises(StreamError) as refused:
        check_ca_file(str(file), uid=lambda: ME, lstat=lstat)
    assert refused.value.code is ErrorCode.UPSTREAM_TLS
    assert str(node) in refused.value.reason
    assert str(tmp_path) not in refused.value.text
    check_ca_file(str(file), uid=lambda: -1, lstat=lstat)  # Windows
