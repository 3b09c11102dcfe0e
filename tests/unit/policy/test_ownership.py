import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from longwire.policy.ownership import Node, Trail, own_group, ownership_problem, user_file_problem, walk
from tests.unit.policy.samples import owned_lstat


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    folder = tmp_path / "etc" / "longwire"
    folder.mkdir(parents=True)
    file = folder / "policy.toml"
    file.write_text("version = 1")
    return file


def problem(file: Path, *, foreign: list[Path] | None = None, writable: list[Path] | None = None) -> str | None:
    trail = walk(file, owned_lstat(foreign or [], writable or []))
    return trail.problem or ownership_problem(trail)


def test_a_file_that_is_roots_alone_is_trusted(policy_file: Path) -> None:
    assert problem(policy_file) is None


@pytest.mark.parametrize("up", [0, 1, 2])
def test_a_foreign_owner_anywhere_above_is_named_with_the_command(policy_file: Path, up: int) -> None:
    node = [policy_file, *policy_file.parents][up]

    assert problem(policy_file, foreign=[node]) == (
        f"{node} belongs to user id 1000, not to root: run `chown --no-dereference root:root {node}`"
    )


@pytest.mark.parametrize("up", [0, 1, 2])
def test_write_permission_for_others_anywhere_above_is_named(policy_file: Path, up: int) -> None:
    node = [policy_file, *policy_file.parents][up]

    assert (
        problem(policy_file, writable=[node]) == f"{node} may be written by others than root: run `chmod go-w {node}`"
    )


def test_where_a_link_leads_is_checked_with_its_folders(policy_file: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    real = policy_file.rename(store / "real.toml")
    policy_file.symlink_to(Path("../../store/real.toml"))

    assert problem(policy_file) is None
    assert problem(policy_file, foreign=[policy_file]) is not None
    assert problem(policy_file, writable=[store]) is not None
    assert problem(policy_file, foreign=[real]) is not None


def test_a_linked_folder_is_followed_too(policy_file: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(policy_file.parent)

    assert problem(alias / "policy.toml") is None
    assert problem(alias / "policy.toml", writable=[policy_file.parent]) is not None


def test_a_links_own_mode_means_nothing(policy_file: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias.toml"
    alias.symlink_to(policy_file)

    assert problem(alias, writable=[alias]) is None


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    assert "circle of links" in (problem(tmp_path / "a") or "")


def test_a_folder_is_no_policy(policy_file: Path) -> None:
    assert "not a regular file" in (problem(policy_file.parent) or "")


def test_nothing_there_is_told_apart_from_a_link_to_nothing(policy_file: Path) -> None:
    policy_file.unlink()
    assert walk(policy_file).missing == str(policy_file)
    assert not walk(policy_file).through_link

    policy_file.symlink_to("nowhere.toml")
    assert walk(policy_file).missing == str(policy_file.parent / "nowhere.toml")
    assert walk(policy_file).through_link


def test_a_file_in_the_way_of_a_folder_is_a_problem(policy_file: Path) -> None:
    assert "cannot be looked at" in (walk(policy_file / "x").problem or "")


def test_the_signature_tells_contents_and_permissions(policy_file: Path) -> None:
    def signature(*, writable: bool = False) -> tuple[object, ...]:
        return walk(policy_file, owned_lstat(writable=[policy_file.parent] if writable else [])).signature()

    first = signature()
    assert signature() == first
    assert signature(writable=True) != first
    policy_file.write_text("version = 1 ")
    assert signature() != first


def test_on_windows_it_is_not_verified_and_so_not_trusted() -> None:
    assert "Windows" in (ownership_problem(Trail(()), platform="win32") or "")


# --- the user's file -------------------------------------------------------------------------------------------------


def status(mode: int, uid: int = 1000, gid: int = 1000) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


FOLDER, FILE, LINK = stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK
MINE = (Node("/home/me", status(FOLDER | 0o755)), Node("/home/me/policy.toml", status(FILE | 0o644)))


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (status(FILE | 0o600), None),
        (status(FILE | 0o644, uid=0), None),
        (status(FILE | 0o664), None),  # by a group of one's own
        (status(FILE | 0o644, uid=1001), "belongs to user id 1001"),
        (status(FILE | 0o664, gid=50), "run `chmod go-w /x`"),
        (status(FILE | 0o666), "run `chmod go-w /x`"),
        (status(FOLDER | 0o777), "run `chmod go-w /x`"),
        (status(FOLDER | 0o775, gid=50), "run `chmod go-w /x`"),
        (status(FOLDER | 0o1777, uid=0), None),  # sticky, as /tmp
        (status(FOLDER | 0o1777, uid=1001), "belongs to user id 1001"),
        (status(LINK | 0o777), None),
        (status(LINK | 0o777, uid=1001), "belongs to user id 1001"),
    ],
)
def test_who_else_could_write_the_users_file(node: os.stat_result, says: str | None) -> None:
    trail = Trail((*MINE, Node("/x", node)))
    found = user_file_problem(trail, 1000, lambda gid, uid: gid == uid)

    assert (found is None) if says is None else (found is not None and says in found)
    assert user_file_problem(trail, -1) is None


def test_a_group_is_a_users_own_if_it_is_named_after_them_and_has_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {1000: ("me", []), 1001: ("me", []), 50: ("staff", ["me"]), 60: ("me", ["you"])}
    primary = {1000: 1000, 2000: 60, 3000: 50}

    def user(uid: int) -> SimpleNamespace:
        return SimpleNamespace(pw_name="me", pw_gid=primary[uid])

    def group(gid: int) -> SimpleNamespace:
        return SimpleNamespace(gr_name=groups[gid][0], gr_mem=groups[gid][1])

    monkeypatch.setattr("pwd.getpwuid", user)
    monkeypatch.setattr("grp.getgrgid", group)

    assert own_group(1000, 1000)
    assert not any((own_group(1001, 1000), own_group(60, 2000), own_group(50, 3000), own_group(50, 1000)))
    assert not own_group(70, 1000)
    assert not own_group(1000, 4000)
