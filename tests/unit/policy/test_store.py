import os
from pathlib import Path

import pytest

from longwire.policy.locations import Locations, default_locations
from longwire.policy.policy import Policy
from longwire.policy.store import PolicyStore
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import PolicyState
from tests.unit.policy.samples import CHAT, grant, owned_lstat, page, policy_text

URL = "https://api.example.com/v1/chat"


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    administrator, user = tmp_path / "etc" / "policy.toml", tmp_path / "home" / "policy.toml"
    administrator.parent.mkdir()
    user.parent.mkdir()
    return Locations(administrator, user)


def store(locations: Locations, *, writable: tuple[Path, ...] = ()) -> PolicyStore:
    return PolicyStore(locations, lstat=owned_lstat(writable=writable))


def names(policy: Policy) -> list[str]:
    return [grant.name for grant in policy.grants]


def test_without_a_file_nothing_is_open(locations: Locations) -> None:
    policy = store(locations).current()

    assert (policy.state, policy.digest, policy.problem) == (PolicyState.MISSING, "none", None)
    with pytest.raises(StreamError, match="no policy file") as caught:
        policy.decide(page(), "GET", URL)
    assert caught.value.code is ErrorCode.POLICY_DENIED


def test_the_users_file_decides_alone_when_it_is_alone(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    policy = store(locations).current()

    assert (policy.state, names(policy), policy.files) == (PolicyState.OK, ["chat"], (locations.user,))
    assert policy.decide(page(), "GET", URL).grant.name == "chat"


def test_the_administrators_file_decides_alone(locations: Locations) -> None:
    locations.user.write_text(policy_text(grant(name="mine")))
    locations.administrator.write_text(policy_text(grant(name="theirs")))

    assert names(store(locations).current()) == ["theirs"]


def test_an_empty_administrators_file_closes_everything(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    locations.administrator.write_text("version = 1\n")

    policy = store(locations).current()
    assert (policy.state, policy.grants) == (PolicyState.OK, ())


def test_the_users_grants_come_after_the_administrators_when_allowed(locations: Locations) -> None:
    locations.user.write_text(policy_text(grant(name="mine")))
    locations.administrator.write_text("version = 1\nuser_grants = true\n" + grant(name="theirs"))
    policy = store(locations).current()

    assert names(policy) == ["theirs", "mine"]
    assert policy.files == (locations.administrator, locations.user)
    assert str(policy.warnings[0]) == (
        f'{locations.user}: line 2: the grant "mine" can never match: "theirs" before it decides'
    )


def test_a_users_grant_never_reads_the_administrators_secrets(locations: Locations) -> None:
    locations.administrator.write_text("user_grants = true\n" + CHAT)
    locations.user.write_text(policy_text(grant(name="mine", inject='{ X-Key = "{secret:key}" }')))

    assert "there is no [secret.key]" in (store(locations).current().problem or "")


def test_one_name_in_both_files_is_the_users_mistake(locations: Locations) -> None:
    locations.administrator.write_text("version = 1\nuser_grants = true\n" + grant(name="chat"))
    locations.user.write_text(policy_text(grant(name="chat")))

    policy = store(locations).current()
    assert policy.state is PolicyState.INVALID
    where = f"{locations.administrator} line 3"
    assert policy.problem == f'{locations.user}: line 2: another file has a grant "chat" already: {where}'


@pytest.mark.parametrize("broken", ["administrator", "user"])
def test_a_broken_file_that_takes_part_closes_everything(locations: Locations, broken: str) -> None:
    locations.administrator.write_text("version = 1\nuser_grants = true\n" + grant(name="theirs"))
    locations.user.write_text(policy_text(grant(name="mine")))
    path: Path = getattr(locations, broken)
    path.write_text(path.read_text() + "oops = 1\n")
    policy = store(locations).current()

    assert (policy.state, policy.grants, policy.summary().pages) == (PolicyState.INVALID, (), [])
    assert (policy.problem or "").startswith(f"{path}: line ")
    with pytest.raises(StreamError, match="line ") as caught:
        policy.decide(page(), "GET", URL)
    assert caught.value.code is ErrorCode.POLICY_INVALID
    assert str(path) not in caught.value.text


def test_a_broken_user_file_that_takes_no_part_changes_nothing(locations: Locations) -> None:
    locations.administrator.write_text(policy_text(grant(name="theirs")))
    locations.user.write_text("nonsense")

    assert store(locations).current().state is PolicyState.OK


def test_an_administrators_file_that_others_may_write_closes_everything(locations: Locations) -> None:
    locations.administrator.write_text(policy_text(grant()))
    locations.user.write_text(CHAT)
    policy = store(locations, writable=(locations.administrator.parent,)).current()

    assert policy.state is PolicyState.INVALID
    assert "may be written by others" in (policy.problem or "")


def test_a_users_file_that_others_may_write_closes_everything_and_heals(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    writable = {locations.user.parent}

    def lstat(path: str) -> os.stat_result:
        return owned_lstat(writable=writable)(path)

    subject = PolicyStore(locations, lstat=lstat, uid=lambda: 1000)
    policy = subject.current()

    assert policy.state is PolicyState.INVALID
    assert f"run `chmod go-w {locations.user.parent}`" in (policy.problem or "")
    with pytest.raises(StreamError) as caught:
        policy.decide(page(), "GET", URL)
    assert str(locations.user.parent) not in caught.value.text  # the page reads that
    assert f"run `chmod go-w {locations.user.parent}`" in caught.value.reason
    writable.clear()
    assert names(subject.current()) == ["chat"]


def test_a_users_file_of_another_user_closes_everything(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    policy = PolicyStore(locations, lstat=owned_lstat(foreign=[locations.user]), uid=lambda: 1234).current()

    assert policy.state is PolicyState.INVALID
    assert "belongs to user id 1000" in (policy.problem or "")


def test_a_dangling_administrators_link_does_not_hand_over_to_the_user(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    locations.administrator.symlink_to(locations.administrator.parent / "gone.toml")

    policy = store(locations).current()
    assert policy.state is PolicyState.INVALID
    assert "gone.toml, which does not exist" in (policy.problem or "")


@pytest.mark.parametrize("switched", ["administrator", "user"])
def test_one_switch_closes_everything_and_says_so(locations: Locations, switched: str) -> None:
    locations.administrator.write_text("version = 1\nuser_grants = true\n" + CHAT.removeprefix("version = 1\n"))
    locations.user.write_text(policy_text(grant(name="mine", destinations='["https://mine.example.com"]')))
    subject = store(locations)
    assert subject.current().decide(page(), "GET", URL).grant.name == "chat"
    path: Path = getattr(locations, switched)
    path.write_text("enabled = false\n" + path.read_text())
    policy = subject.current()

    assert (policy.state, policy.switched_off, policy.in_force) == (PolicyState.OK, path, ())
    assert (policy.summary().pages, policy.destinations_for("https://chat.example.com")) == ([], [])
    for url in (URL, "https://mine.example.com/"):
        with pytest.raises(StreamError, match="switched off") as caught:
            policy.decide(page(), "GET", url)
        assert caught.value.code is ErrorCode.POLICY_DENIED


def test_a_change_is_seen_at_once(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    subject = store(locations)
    before = subject.current()

    locations.user.write_text(CHAT.replace("v1", "v2"))
    after = subject.current()

    assert after.digest != before.digest
    with pytest.raises(StreamError):
        after.decide(page(), "GET", URL)
    assert subject.current() is after


def test_an_atomic_replacement_of_the_same_size_is_seen(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    subject = store(locations)
    old = locations.user.stat()
    new = locations.user.with_suffix(".new")
    new.write_text(CHAT.replace("v1", "v2"))
    os.utime(new, ns=(old.st_atime_ns, old.st_mtime_ns))
    before = subject.current()
    new.replace(locations.user)

    assert subject.current() is not before


def test_a_file_touched_but_not_changed_is_no_news(locations: Locations) -> None:
    locations.user.write_text(CHAT)
    subject = store(locations)
    first = subject.current()
    os.utime(locations.user)

    assert subject.current() is first


def test_a_file_that_comes_goes_and_heals_is_followed(locations: Locations) -> None:
    subject = store(locations)
    states = [subject.current().state]
    for text in (CHAT, "oops", CHAT):
        locations.user.write_text(text)
        states.append(subject.current().state)
    locations.user.unlink()
    states.append(subject.current().state)

    assert states == [
        PolicyState.MISSING,
        PolicyState.OK,
        PolicyState.INVALID,
        PolicyState.OK,
        PolicyState.MISSING,
    ]


def test_permissions_that_change_above_the_file_are_seen(locations: Locations) -> None:
    locations.administrator.write_text(policy_text(grant()))
    writable: list[Path] = []

    def lstat(path: str) -> os.stat_result:
        return owned_lstat(writable=writable)(path)

    subject = PolicyStore(locations, lstat=lstat)
    assert subject.current().state is PolicyState.OK

    writable.append(locations.administrator.parent)
    assert subject.current().state is PolicyState.INVALID


def test_summary_and_destinations_name_enabled_grants_only(locations: Locations) -> None:
    locations.user.write_text(
        policy_text(
            grant(name="a", pages='["https://chat.example.com:443", "https://b.example.com"]'),
            grant("enabled = false", name="b", destinations='["https://off.example.com"]'),
            grant(name="c", destinations='["https://c.example.com", "https://api.example.com/v1/"]'),
        )
    )
    policy = store(locations).current()

    assert policy.summary().pages == ["https://chat.example.com", "https://b.example.com"]
    assert policy.destinations_for("https://chat.example.com") == [
        "https://api.example.com/v1/",
        "https://c.example.com/",
    ]
    assert policy.destinations_for("https://elsewhere.example.com") == []
    assert policy.destinations_for("null") == []


def test_a_page_in_a_private_window_has_the_destinations_of_grants_that_say_so(locations: Locations) -> None:
    locations.user.write_text(
        policy_text(
            grant(name="a", destinations='["https://a.example.com"]'),
            grant("private_windows = true", name="b", destinations='["https://b.example.com"]'),
        )
    )
    policy = store(locations).current()

    assert policy.destinations_for("https://chat.example.com", private=True) == ["https://b.example.com/"]
    assert len(policy.destinations_for("https://chat.example.com")) == 2


def test_the_summary_fits_its_message_whatever_the_problem(locations: Locations) -> None:
    locations.user.write_text('version = 1\n"' + "ü" * 5000 + '" = 1\n')
    problem = store(locations).current().summary().problem

    assert problem is not None
    assert len(problem) <= 1000


def test_places_follow_the_system_and_no_environment_moves_the_administrators(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    monkeypatch.setenv("ProgramFiles", str(tmp_path))

    assert default_locations("linux") == Locations(
        Path("/etc/longwire/policy.toml"), tmp_path / "longwire" / "policy.toml"
    )
    assert str(default_locations("darwin").administrator).startswith("/Library/")
    assert str(default_locations("win32").administrator).startswith("C:")
