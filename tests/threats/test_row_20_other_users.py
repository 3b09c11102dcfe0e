"""Row 20: another local user edits the policy, reads a key, plants a module. Owners are injected: run as any user."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.install.launcher import launcher_text
from longwire.policy import Locations, PolicyStore, SecretReader, SecretSource
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import PolicyState
from tests.printed import say
from tests.unit.policy.samples import page

ROOT, ME, OTHER = 0, 1000, 1001
URL = "https://api.example.com/v1/x"
POLICY = """\
version = 1
[[grant]]
name = "chat"
pages = ["https://chat.example.com"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET"]
"""
Status = Callable[[str], os.stat_result]


def as_if(owners: dict[Path, int], modes: dict[Path, int], owner: int) -> Status:
    """An `lstat` under which everything is `owner`'s alone, but for these."""

    def lstat(path: str) -> os.stat_result:
        status = os.lstat(path)
        real = list(status)
        real[stat.ST_UID] = owners.get(Path(path), owner if path.startswith(str(BASE)) else ROOT)
        real[stat.ST_GID] = 50
        real[stat.ST_MODE] = stat.S_IFMT(status.st_mode) | modes.get(Path(path), 0o755)
        return os.stat_result(real, {"st_mtime_ns": status.st_mtime_ns, "st_ctime_ns": status.st_ctime_ns})

    return lstat


BASE = Path("/nowhere")


@pytest.fixture
def locations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locations:
    monkeypatch.setattr("tests.threats.test_row_20_other_users.BASE", tmp_path)
    places = Locations(tmp_path / "etc" / "longwire" / "policy.toml", tmp_path / "home" / "longwire" / "policy.toml")
    for file in (places.administrator, places.user):
        file.parent.mkdir(parents=True)
    return places


@pytest.mark.parametrize("whose", ["administrator", "user"])
def test_the_permission_matrix(locations: Locations, whose: str) -> None:
    """Owner and mode of the file and of each folder above it: open is only what nobody else can have written."""
    file: Path = getattr(locations, whose)
    file.write_text(POLICY)
    owner = ROOT if whose == "administrator" else ME
    opened: list[str] = []
    tried = 0
    for node in (file, file.parent, file.parent.parent):
        for uid in (ROOT, ME, OTHER):
            for mode in (0o600, 0o644, 0o664, 0o646, 0o666, 0o755, 0o775, 0o777):
                tried += 1
                lstat = as_if({node: uid}, {node: mode}, owner)
                policy = PolicyStore(locations, lstat=lstat, uid=lambda: ME).current()
                right = uid in (ROOT, owner) and not mode & 0o022
                assert (policy.state is PolicyState.OK) is right, (node, uid, oct(mode))
                if right:
                    policy.decide(page(), "GET", URL)
                    continue
                with pytest.raises(StreamError) as refused:
                    policy.decide(page(), "GET", URL)
                assert refused.value.code is ErrorCode.POLICY_INVALID
                assert str(node) in (policy.problem or ""), "it says which"
                opened += [grant.name for grant in policy.grants]
    say(f"owners and modes of the {whose}'s policy tried: {tried}, opened by another's hand: {len(opened)}")
    assert opened == []


def test_a_policy_that_changes_hands_while_it_is_in_force_closes(locations: Locations) -> None:
    locations.administrator.write_text(POLICY)
    modes: dict[Path, int] = {}
    store = PolicyStore(locations, lstat=as_if({}, modes, ROOT), uid=lambda: ME)
    store.current().decide(page(), "GET", URL)
    modes[locations.administrator.parent] = 0o777
    with pytest.raises(StreamError) as refused:
        store.current().decide(page(), "GET", URL)
    assert refused.value.code is ErrorCode.POLICY_INVALID


def test_a_key_that_others_can_read_or_could_have_written_is_not_sent(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-row-20-0123456789")
    sent = []
    for uid in (ROOT, ME, OTHER):
        for mode in (0o400, 0o600, 0o640, 0o604, 0o620, 0o602, 0o644, 0o666):

            def fstat(descriptor: int, uid: int = uid, mode: int = mode) -> os.stat_result:
                real = list(os.fstat(descriptor))
                real[stat.ST_UID], real[stat.ST_MODE] = uid, stat.S_IFREG | mode
                return os.stat_result(real)

            reader = SecretReader(uid=lambda: ME, fstat=fstat)
            with suppress(StreamError):
                reader.read(SecretSource("key", "file", str(key)))
                sent.append((uid, mode))
    assert sent == [(ROOT, mode) for mode in (0o400, 0o600, 0o640, 0o604, 0o644)] + [(ME, 0o400), (ME, 0o600)]


def test_a_link_put_in_the_keys_place_leads_to_no_file_of_anothers(tmp_path: Path) -> None:
    """What is judged is what was opened, whatever the path says a moment later."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.write_text("sk-row-20-0123456789")
    theirs.write_text("sk-row-20-somebody-elses")
    mine.unlink()
    mine.symlink_to(theirs)

    def fstat(descriptor: int) -> os.stat_result:
        real = list(os.fstat(descriptor))
        real[stat.ST_UID] = OTHER if os.fstat(descriptor).st_ino == theirs.stat().st_ino else ME
        return os.stat_result(real)

    with pytest.raises(StreamError) as refused:
        SecretReader(uid=lambda: ME, fstat=fstat).read(SecretSource("key", "file", str(mine)))
    assert "belongs neither to you nor to root" in refused.value.text


def test_nothing_that_is_planted_beside_the_host_is_imported(tmp_path: Path) -> None:
    """The browser starts the host in a folder and with a search path of anybody's choosing."""
    program = tmp_path / "longwire-host"
    program.write_text(launcher_text(sys.executable))
    program.chmod(0o755)
    for name in ("longwire", "anyio", "json", "sitecustomize", "usercustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})")
    surroundings = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    caller = f"chrome-extension://{extension_id()}/"
    done = subprocess.run(
        [program, caller], cwd=tmp_path, env=surroundings, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (tmp_path / "imported").exists()
