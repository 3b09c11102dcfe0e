"""docs/policy.md, tried as a newcomer would: followed to the letter, then broken in the ways that people break it."""

import io
import re
import sys
from pathlib import Path

import pytest

from longwire.policy.locations import default_locations
from longwire.policy.model import (
    DurableEntry,
    Entry,
    GrantEntry,
    LimitsEntry,
    PolicyFile,
    PricesEntry,
    ProviderEntry,
    ProviderLimitsEntry,
    SecretEntry,
    WriterEntry,
)
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


def described(heading: str) -> set[str]:
    """The keys in the rows of the guide's table with that heading."""
    table = GUIDE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_every_key_of_the_format_is_in_the_guide_and_no_other() -> None:
    models: tuple[type[Entry], ...] = (
        PolicyFile,
        GrantEntry,
        LimitsEntry,
        DurableEntry,
        ProviderEntry,
        ProviderLimitsEntry,
        PricesEntry,
        SecretEntry,
        WriterEntry,
    )
    for model in models:
        for key in model.model_fields.keys() - {"grant", "secret", "provider"}:
            assert re.search(rf"\b{key}\b", GUIDE), key
    assert described("key") == GrantEntry.model_fields.keys()
    assert described("key of a provider") == ProviderEntry.model_fields.keys()


GENERATING = next(block for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL) if "[[provider]]" in block)


def test_the_guides_providers_can_be_asked_as_it_says(home: Home) -> None:
    home.write_policy(GENERATING.replace("/home/me", str(home.folder)))
    secret = home.config / "longwire" / "secrets" / "openai"
    secret.parent.mkdir()
    secret.write_text("sk-newcomer-0123456789\n")
    secret.chmod(0o600)
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    asked = [line.split() for line in next(block for block in blocks if "--generate" in block).splitlines()]

    assert home.run("policy", "validate").out.startswith("valid ")
    assert [home.run(*line[1:]).out.splitlines()[0] for line in asked] == [
        'allowed    generate with "openai", model gpt-5',
        'allowed    generate with "local", model llama3.3',
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            '"openai", "local"]',
            '"openai", "lokal"]',
            "line 6, field grant[0].generate[1]: this file has no [[provider]]",
        ),
        ('generate = ["openai", "local"]', 'generate = "openai"', 'must be a list: write ["openai"]'),
        ("generate =", "generates =", 'did you mean "generate"?'),
        ('kind = "openai"', 'kind = "OpenAI"', "line 10, field provider[0].kind: must be one of openai, openai-chat"),
        ('models = ["gpt', 'model = ["gpt', 'provider[0].model: unknown key, did you mean "models"?'),
        ('"gpt-5*"]', '"*"]', '"*" alone would be every model'),
        ('secret = "openai"', 'secret = "sk-pasted"', "line 12, field provider[0].secret: there is no [secret.NAME]"),
        ('"200kB"', '"200k"', "field provider[0].max_input: must be a size"),
        ('"2 USD/1M"', '"2 EUR/1M"', "field provider[0].prices.gpt-5-mini: must name one currency"),
        ('"2 USD/1M"', '"2 USD"', "field provider[0].prices.gpt-5-mini.output: must be a price such as"),
        ('cost = "5 USD', 'cost = "5 EUR', "field provider[0].prices.gpt-5-mini: must be in EUR, as the limit"),
        (
            '"10/15m"',
            '"10 per 15m"',
            'field provider[0].limits.requests: must be a number for a time, such as "10/15m"',
        ),
        ("tokens =", "token =", 'provider[0].limits.token: unknown key, did you mean "tokens"?'),
        ("[[provider]]", "[provider]", "not valid TOML"),
    ],
)
def test_each_slip_in_a_provider_is_told_by_its_place_and_by_what_to_write(
    home: Home, old: str, new: str, says: str
) -> None:
    assert old in GENERATING
    home.write_policy(GENERATING.replace(old, new, 1))
    done = home.run("policy", "validate")

    assert done.code == 1
    assert says in done.out
    assert "sk-pasted" not in done.out


def test_the_places_are_the_ones_where_the_host_looks() -> None:
    for platform in ("linux", "darwin", "win32"):
        written = str(default_locations(platform).administrator).replace("/", "[/\\\\\\\\]")
        assert re.search(written, GUIDE), platform
