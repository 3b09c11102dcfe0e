import stat
import tomllib

import pytest

from longwire.policy.switch import CannotSwitch, switched
from tests.unit.home import Home
from tests.unit.policy.samples import CHAT, grant, policy_text

ASK = ("policy", "check", "--page", "https://chat.example.com", "--url", "https://api.example.com/v1/chat")


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_KEY", "a-secret-of-more-than-12-bytes")


def test_off_closes_everything_and_on_gives_back_the_very_file(home: Home) -> None:
    text = "# mine\r\nversion = 1 # one\r\n\r\n" + CHAT.partition("\n")[2]
    home.write_policy(text)
    home.policy.write_bytes(text.encode())
    home.policy.chmod(0o640)
    assert home.run(*ASK).code == 0
    assert home.run("policy", "off").code == 0
    refused = home.run(*ASK)
    assert (refused.code, "enabled = false" in refused.out) == (1, True)
    assert "`longwire policy on`" in home.run("policy", "show").out
    assert home.run("policy", "on").code == 0
    assert home.run(*ASK).code == 0
    assert home.policy.read_bytes().decode().replace("enabled = true\r\n", "") == text
    assert stat.S_IMODE(home.policy.stat().st_mode) == 0o640
    assert [path.name for path in home.policy.parent.iterdir()] == ["policy.toml"]


def test_a_link_stays_a_link(home: Home) -> None:
    kept = home.folder / "kept.toml"
    kept.write_text(CHAT)
    home.policy.parent.mkdir(parents=True)
    home.policy.symlink_to(kept)
    assert home.run("policy", "off").code == 0
    assert home.policy.is_symlink() and "enabled = false" in kept.read_text()


def test_without_a_file_off_writes_one_and_on_writes_none(home: Home) -> None:
    assert home.run("policy", "on").code == 0
    assert not home.policy.exists()
    assert home.run("policy", "off").code == 0
    assert home.policy.read_text() == "version = 1\nenabled = false\n"
    assert home.run("policy", "validate").code == 0


def test_a_broken_file_is_not_touched(home: Home) -> None:
    home.write_policy("version = = 1")
    done = home.run("policy", "off")
    assert (done.code, "yourself" in done.err, home.policy.read_text()) == (1, True, "version = = 1")


@pytest.mark.parametrize(
    "text",
    [
        "version = 1\nenabled = true # all\n",
        "version = 1\n  'enabled'=true",
        'enabled = true\nversion = 1\n[[grant]]\nenabled = true\nname = "g"\n',
        'version = 1\n[[grant]]\nname = "g"\nenabled = true\n',
        "# only a comment\n",
        'note = """\nenabled = true\n"""\nversion = 1',
        # What ends a line elsewhere ends none of TOML's.
        "# one\u2028comment\nversion = 1\nenabled = true\n",
        "# one\x85comment\nversion = 1\n",
    ],
)
def test_only_the_files_own_switch_changes(text: str) -> None:
    once = switched(text, enabled=False)
    assert tomllib.loads(once) == tomllib.loads(text) | {"enabled": False}
    assert switched(once, enabled=False) == once
    assert set(text.split("\n")) - set(once.split("\n")) <= {line for line in text.split("\n") if "enabled" in line}


def test_a_switch_that_is_written_otherwise_is_left_to_its_writer() -> None:
    with pytest.raises(CannotSwitch):
        switched('version = 1\n"en\\u0061bled" = true\n', enabled=False)


def test_a_grant_is_switched_by_its_own_line_only(home: Home) -> None:
    home.write_policy(policy_text(grant(enabled="false")))
    assert home.run("policy", "on").code == 0
    assert "enabled = false" in home.policy.read_text()
