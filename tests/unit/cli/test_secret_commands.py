import io
import json
import stat
import sys
from pathlib import Path

import pytest

from longwire.policy.secrets import MAX_SECRET_BYTES
from tests.unit.home import Done, Home
from tests.unit.policy.keyring_fake import MemoryKeyring, install_keyring
from tests.unit.policy.samples import CHAT

VALUE = "sk-command-0123456789"


class Stdin(io.TextIOWrapper):
    """Standard input as a pipe, or as a terminal."""

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    made = MemoryKeyring()
    install_keyring(monkeypatch, made)
    return made


@pytest.fixture
def without_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    install_keyring(monkeypatch, None)


def policy(place: str) -> str:
    return CHAT.replace('env = "LONGWIRE_TEST_KEY"', place)


def give(home: Home, monkeypatch: pytest.MonkeyPatch, *arguments: str, data: bytes = VALUE.encode() + b"\n") -> Done:
    monkeypatch.setattr(sys, "stdin", Stdin(data))
    done = home.run("secret", "set", *arguments)
    assert VALUE not in done.out + done.err
    return done


def test_set_writes_the_file_that_the_policy_names_for_this_user_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.folder / "keys" / "key"
    home.write_policy(policy(f"file = '{file}'"))
    done = give(home, monkeypatch, "key")

    assert (done.code, done.out) == (0, f'stored     secret "key" (file {file})\n')
    assert file.read_text() == VALUE + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(home.run("secret", "list", "--json").out) == [
        {"name": "key", "kind": "file", "place": str(file), "state": "ready", "grants": ["chat"]}
    ]


def test_set_asks_a_terminal_without_echo(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home.folder / "key"
    monkeypatch.setattr(sys, "stdin", Stdin(b"", terminal=True))
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return VALUE

    monkeypatch.setattr("getpass.getpass", getpass)
    done = home.run("secret", "set", "key", "--file", str(file))

    assert file.read_text() == VALUE + "\n"
    assert asked == ["Value of the secret key (not shown): "]
    assert VALUE not in done.out


def test_the_keyring_is_used_where_the_policy_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch, keyring: MemoryKeyring
) -> None:
    home.write_policy(policy('keyring = "my key"'))
    give(home, monkeypatch, "key")
    assert keyring.entries == {("longwire", "my key"): VALUE}

    listed = home.run("secret", "list")
    assert listed.out == "key\tkeyring\tmy key\tready\tchat\n"
    assert home.run("secret", "delete", "key").code == 0
    assert keyring.entries == {}
    assert "does not exist" in home.run("secret", "list").out
    assert home.run("secret", "delete", "key").code == 1


def test_a_secret_that_the_policy_does_not_name_goes_into_the_keyring_and_the_lines_are_shown(
    home: Home, monkeypatch: pytest.MonkeyPatch, keyring: MemoryKeyring
) -> None:
    done = give(home, monkeypatch, "new")

    assert keyring.entries == {("longwire", "new"): VALUE}
    assert done.out.endswith("[secret.new]\nkeyring = 'new'\n")


@pytest.mark.usefixtures("without_keyring")
def test_or_into_a_file_where_there_is_no_keyring(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done = give(home, monkeypatch, "new")
    file = home.config / "longwire" / "secrets" / "new"

    assert file.read_text() == VALUE + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert done.out.endswith(f"[secret.new]\nfile = '{file}'\n")
    assert home.run("secret", "delete", "new").code == 0
    assert not file.exists()


def test_a_variable_is_not_ours_to_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_policy(CHAT)
    done = give(home, monkeypatch, "key")

    assert done.code == 1
    assert "environment variable LONGWIRE_TEST_KEY" in done.err


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (VALUE.encode() + b"\nx", "line break"),
        (b" " + VALUE.encode(), "space"),
        (VALUE.encode() * 1000, f"longer than {MAX_SECRET_BYTES}"),
    ],
)
def test_a_value_that_no_header_can_carry_is_refused_and_nothing_is_stored(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, reason: str
) -> None:
    done = give(home, monkeypatch, "key", "--file", str(tmp_path / "key"), data=data)

    assert done.code == 1
    assert reason in done.err
    assert not (tmp_path / "key").exists()


def test_the_value_is_no_argument(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b""))

    assert home.run("secret", "set", "key", "some-value").code == 2


@pytest.mark.parametrize(
    "arguments",
    [("a/b",), ("../x",), ("key", "--file", "relative"), ("key", "--file", "/x", "--keyring"), ()],
)
def test_what_makes_no_sense_is_misuse(home: Home, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    assert give(home, monkeypatch, *arguments).code == 2


def test_a_broken_policy_may_name_the_secret_so_its_place_must_be_said(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home.write_policy("oops")

    assert "mend the policy file" in give(home, monkeypatch, "key").err
    assert home.run("secret", "list").code == 1
    assert give(home, monkeypatch, "key", "--file", str(tmp_path / "key")).code == 0


@pytest.mark.usefixtures("without_keyring")
def test_a_keyring_that_is_not_there_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done = give(home, monkeypatch, "key", "--keyring")

    assert done.code == 1
    assert "no keyring" in done.err


def test_list_says_what_is_wrong_and_never_shows_a_value(home: Home) -> None:
    file = home.folder / "key"
    file.write_text(VALUE)
    file.chmod(0o666)
    home.write_policy(policy(f"file = '{file}'"))
    done = home.run("secret", "list")

    assert "may be written by others" in done.out
    assert VALUE not in done.out
    home.write_policy("version = 1")
    assert "no secrets" in home.run("secret", "list").out
