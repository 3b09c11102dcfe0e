"""docs/policy.md, tried as a newcomer would: followed to the letter, then broken in the ways that people break it."""

import io
import re
import sys
from pathlib import Path

import pytest

from longwire.policy.locations import default_locations
from longwire.policy.model import GrantEntry, LimitsEntry, PolicyFile, SecretEntry
from tests.unit.home import Home

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
FIRST = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[0]
COMMANDS = [line.split("#")[0].split() for line in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)[0].splitlines()]


@pytest.fixture
def newcomer(home: Home) -> Home:
    home.write_policy(FIRST.replace("/home/me", str(home.folder)))
    return home


def follow(home: Home, number: int) -> str:
    """Type one of the guide's lines; what it printed. It must succeed."""
    program, *arguments = COMMANDS[number]
    assert program == "longwire"
    done = home.run(*(argument.replace("~", str(home.folder)) for argument in arguments))
    assert (done.code, done.err) == (0, "")
    return done.out


def test_the_guide_leads_to_a_grant_that_works(newcomer: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"sk-newcomer-0123456789\n")))

    warned, valid = follow(newcomer, 0).splitlines()
    assert warned.startswith("warning ") and "does not exist" in warned
    assert valid.startswith("valid ")
    assert follow(newcomer, 1).startswith('stored     secret "api" (file ')
    assert follow(newcomer, 2).startswith("allowed    POST https://api.example.com/v1/chat\n")
    assert newcomer.run("secret", "list").out.split("\t")[3:] == ["ready", "chat\n"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("methods", "method", 7, 'grant[0].method: unknown key, did you mean "methods"?'),
        ('"https://chat.example.com"', '"chat.example.com"', 5, 'must be "scheme://host[:port]"'),
        ("https://api.example.com/v1/", "https://api.example.com/v1/../v2/", 6, 'write "/v2/"'),
        ('"GET", "POST"', '"get", "POST"', 7, 'write "GET"'),
        ("{secret:api}", "{secret:key}", 8, "there is no [secret.key]"),
        ("Bearer {secret:api}", "Bearer {sk-pasted-0123456789}", 8, 'placeholder such as "{secret:name}"'),
        ('pages = ["', 'pages = "', 5, "not valid TOML"),
        ("/home/me/.config", "~/.config", 11, "must be an absolute path"),
    ],
)
def test_each_slip_is_told_by_its_line_and_by_what_to_write(
    home: Home, old: str, new: str, line: int, says: str
) -> None:
    assert old in FIRST
    home.write_policy(FIRST.replace(old, new, 1))
    done = home.run("policy", "validate", str(home.policy))

    assert done.code == 1
    assert says in done.out
    assert f"line {line}" in done.out
    assert "sk-pasted" not in done.out


def test_a_list_whose_entries_are_all_wrong_is_not_called_empty(home: Home) -> None:
    home.write_policy(FIRST.replace('"https://api.example.com/v1/"', '"api.example.com/v1"'))
    done = home.run("policy", "validate", str(home.policy))

    assert (done.code, done.out.count("problem")) == (1, 1)
    assert "field grant[0].destinations[0]" in done.out


def test_a_key_pasted_into_the_policy_is_warned_of_and_not_repeated(home: Home) -> None:
    home.write_policy(FIRST.replace("{secret:api}", "sk-pasted-0123456789"))
    done = home.run("policy", "validate", str(home.policy))

    assert done.code == 0
    assert "field grant[0].inject.Authorization: names no secret" in done.out
    assert 'write "{secret:NAME}"' in done.out
    assert "sk-pasted" not in done.out


def test_every_key_of_the_format_is_in_the_guide_and_no_other() -> None:
    for model in (PolicyFile, GrantEntry, LimitsEntry, SecretEntry):
        for key in model.model_fields.keys() - {"grant", "secret"}:
            assert re.search(rf"\b{key}\b", GUIDE), key
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", GUIDE, re.MULTILINE)
    described = {key for row in rows for key in re.findall(r"`(\w+)`", row) if key.islower()}
    assert described == GrantEntry.model_fields.keys()


def test_the_places_are_the_ones_where_the_host_looks() -> None:
    for platform in ("linux", "darwin", "win32"):
        written = str(default_locations(platform).administrator).replace("/", "[/\\\\\\\\]")
        assert re.search(written, GUIDE), platform
