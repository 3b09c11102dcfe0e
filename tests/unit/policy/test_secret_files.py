"""Who else could read or change a secret's file. Owners are injected: the same results as root and as anyone."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from longwire.policy.secret_files import UnusableSecretFile, mode_problem, read_secret_file

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
    with pytest.raises(UnusableSecretFile, match=problem) as caught:
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

    with pytest.raises(UnusableSecretFile, match="written by others"):
        read_secret_file(str(file), uid=os.geteuid())


def test_what_is_judged_is_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    file, link = tmp_path / "key", tmp_path / "link"
    file.write_bytes(b"value")
    file.chmod(0o602)
    link.symlink_to(file)

    with pytest.raises(UnusableSecretFile, match="written by others"):
        read_secret_file(str(link), uid=os.geteuid())
