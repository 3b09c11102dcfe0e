"""`longwire policy check --generate`, and what `policy show` and `secret list` say of providers."""

import json
import re
import sys

import pytest

from longwire.policy.model import ProviderEntry, ProviderLimitsEntry
from tests.unit.home import Home
from tests.unit.policy.samples import grant, policy_text, provider

CHAT = "https://chat.example.com"
GRANT = f'[[grant]]\nname = "chat"\npages = ["{CHAT}", "longwire:terminal"]\ngenerate = ["openai", "local"]\n'
OPENAI = provider(
    name="openai",
    kind='"openai"',
    models='["o4-mini", "gpt-5*"]',
    secret='"key"',
    max_input='"200kB"',
    prices='{ "gpt-5*" = { input = "1.25 USD/1M", output = "0.01 USD/1k" }, '
    '"o4-mini" = { input = "1 USD/1M", output = "2 USD/1M" } }',
    limits='{ requests = "10/15m", tokens = "200k/day", cost = "5 USD/day" }',
)
LOCAL = provider(name="local", models='["llama*"]')
POLICY = policy_text(GRANT, OPENAI, LOCAL, '[secret.key]\nfile = "{key}"\n')
SECRET = "sk-canary-0123456789abcdef"


@pytest.fixture
def generating(home: Home) -> Home:
    key = home.folder / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    home.write_policy(POLICY.replace("{key}", str(key)))
    return home


def ask(home: Home, provider_name: str, *options: str, page: str = CHAT) -> tuple[int, list[str]]:
    done = home.run("policy", "check", "--page", page, "--generate", provider_name, *options)
    assert (done.err, SECRET in done.out) == ("", False)
    return done.code, done.out.splitlines()


def test_it_says_by_what_it_is_allowed_where_it_goes_and_up_to_which_bounds(generating: Home) -> None:
    assert ask(generating, "openai", "--model", "gpt-5.1") == (
        0,
        [
            'allowed    generate with "openai", model gpt-5.1',
            f'grant      "chat", {generating.policy} line 2, by its page {CHAT}',
            f'provider   "openai" (openai), {generating.policy} line 7',
            "address    https://api.openai.com/v1, which must be public",
            f'key        secret "key" (file {generating.folder}/key)',
            "input      200,000 bytes of text",
            "prices     1.25 USD/1M in, 10 USD/1M out",
            "limits     10/15m requests, 200k/day tokens, 5 USD/day, for each entry of pages",
        ],
    )


def test_at_a_console_it_is_the_consoles_page(generating: Home) -> None:
    code, lines = ask(generating, "local", "--model", "llama3.3", page="longwire:terminal")

    assert code == 0
    assert lines[1].endswith("by its page longwire:terminal")
    assert lines[3:] == [
        "address    http://127.0.0.1:11434, which must be loopback",
        "key        none",
        "input      no limit",
        "prices     none",
        "limits     none",
    ]


def test_a_machine_reads_the_same(generating: Home) -> None:
    done = generating.run("policy", "check", "--json", "--page", CHAT, "--generate", "openai")
    said = json.loads(done.out)

    assert (done.code, said["allowed"], said["grant"], said["line"], said["entry"]) == (0, True, "chat", 2, CHAT)
    assert (said["model"], said["prices"]) == ("o4-mini", {"input": "1 USD/1M", "output": "2 USD/1M"})
    assert said["provider"]["base_url"] == "https://api.openai.com/v1"
    assert said["provider"]["limits"] == {"requests": "10/15m", "tokens": "200k/day", "cost": "5 USD/day"}
    assert said["provider"]["prices"]["gpt-5*"] == {"input": "1.25 USD/1M", "output": "10 USD/1M"}
    assert SECRET not in done.out


def test_the_nearest_grant_and_the_line_that_would_allow_it(generating: Home) -> None:
    code, lines = ask(generating, "openai", "--private")

    assert code == 1
    assert lines == [
        "denied     no grant allows it",
        f'nearest    grant "chat", {generating.policy} line 2',
        "           it does not say private_windows = true",
        "",
        "This in that grant would allow it:",
        "",
        "private_windows = true",
    ]


def test_a_grant_for_another_page_is_written_out_and_works_as_it_is(generating: Home) -> None:
    other = "https://other.example.org"
    code, lines = ask(generating, "local", "--model", "llama3", page=other)
    assert code == 1
    start = lines.index("[[grant]]")
    assert lines[start - 2] == f"This would allow it, in {generating.policy}:"
    generating.policy.write_text(generating.policy.read_text() + "\n" + "\n".join(lines[start:]) + "\n")

    assert ask(generating, "local", "--model", "llama3", page=other)[0] == 0


def test_a_provider_that_nobody_defined_is_said_to_be_none(generating: Home) -> None:
    code, lines = ask(generating, "mistral")

    assert code == 1
    assert lines[-1] == (
        'note       no [[provider]] is named "mistral": the providers are openai, local; `longwire docs policy` has an '
        "example"
    )
    said = json.loads(generating.run("policy", "check", "--json", "--page", CHAT, "--generate", "mistral").out)
    assert (said["allowed"], said["code"], said["suggestion"], said["decided"]) == (False, "POLICY_DENIED", None, False)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("openai", "--model", "claude"), 'denied     the provider "openai" has no model "claude" in the policy'),
        (("local",), 'denied     the provider "local" names no model in full'),
    ],
)
def test_a_model_is_refused_by_the_grant_that_is_there(generating: Home, options: tuple[str, ...], says: str) -> None:
    code, lines = ask(generating, *options)

    assert (code, len(lines)) == (1, 2)
    assert lines[0].startswith(says)
    assert lines[1] == f'grant      "chat", {generating.policy} line 2'


def test_a_secret_that_is_not_there_is_in_the_way_and_how_to_put_it_there(generating: Home) -> None:
    (generating.folder / "key").unlink()
    code, lines = ask(generating, "openai")

    assert code == 1
    assert lines[0] == f'denied     secret "key" (file {generating.folder}/key) does not exist'
    assert lines[-1] == "fix        `longwire secret set key` asks for it and stores it there"


def test_without_a_policy_it_says_that_there_is_none(home: Home) -> None:
    assert ask(home, "openai")[1][0].startswith("denied     there is no policy file, so nothing is open")
    home.write_policy("version = 1\n[[grant]]\n")
    assert ask(home, "openai")[1][0].startswith(f"denied     {home.policy}: line 2, field grant[0]: the key")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--page", CHAT), "one of --url and --generate is needed"),
        (("--page", CHAT, "--url", "https://a.example.com", "--generate", "p"), "one of --url and --generate"),
        (("--page", "longwire:terminal", "--url", "https://a.example.com"), "a terminal sends no requests of its own"),
        (("--page", "chat.example.com", "--generate", "p"), "--page longwire:terminal"),
    ],
)
def test_what_cannot_be_asked_is_a_misuse(home: Home, options: tuple[str, ...], says: str) -> None:
    done = home.run("policy", "check", *options)

    assert done.code == 2
    assert says in done.err


def test_show_tells_every_setting_of_a_provider_and_its_file(generating: Home) -> None:
    done = generating.run("policy", "show")
    lines = done.out.splitlines()
    at = lines.index(f'provider   "openai", {generating.policy} line 7')
    settings = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in lines[at + 1 : lines.index("", at)]]

    assert done.code == 0
    assert SECRET not in done.out
    told = {line[0] for line in settings if len(line) == 2}
    assert {name.partition(".")[0] for name in told} | {"name"} == ProviderEntry.model_fields.keys() | {"grants"}
    assert {name.partition(".")[2] for name in told if "." in name} == ProviderLimitsEntry.model_fields.keys()
    assert ["prices", "gpt-5*: 1.25 USD/1M in, 10 USD/1M out"] in settings
    assert settings[-1] == ["grants", '"chat"']
    assert "  generate                    openai, with o4-mini, gpt-5*" in lines


def test_show_in_json_has_the_providers_and_who_may_ask_them(generating: Home) -> None:
    shown = json.loads(generating.run("policy", "show", "--json").out)

    assert [each["name"] for each in shown["providers"]] == ["openai", "local"]
    assert shown["grants"][0]["generate"] == ["openai", "local"]
    assert (shown["providers"][1]["line"], shown["providers"][1]["file"]) == (16, str(generating.policy))


def test_the_secret_of_a_provider_is_used_by_the_grants_that_name_it(generating: Home) -> None:
    assert generating.run("secret", "list").out.split("\t")[3:] == ["ready", "chat\n"]


def test_a_grant_and_both_ways_to_ask_are_told_apart(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_policy(policy_text(grant(generate='["local"]'), LOCAL))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    url = home.run("policy", "check", "--page", CHAT, "--url", "https://api.example.com/v1/").out
    generate = home.run("policy", "check", "--page", CHAT, "--generate", "local", "--model", "llama3").out
    refused = home.run("policy", "check", "--page", CHAT, "--generate", "local").out

    assert url.startswith("\x1b[1;32mallowed\x1b[0m")
    assert generate.startswith("\x1b[1;32mallowed\x1b[0m")
    assert refused.startswith("\x1b[1;31mdenied\x1b[0m")
