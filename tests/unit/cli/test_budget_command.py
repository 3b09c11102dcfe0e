"""`longwire policy budgets`: what requests of hosts spent, as their files have it."""

import asyncio
import json
from decimal import Decimal

from longwire.policy import PolicyStore
from longwire.policy.budgets import Budgets, key_of, limits_of
from longwire.policy.providers import Provider
from tests.unit.home import Home

POLICY = """\
version = 1

[[grant]]
name = "chat"
pages = ["https://chat.example.com", "https://*.tools.example.com"]
generate = ["openai", "ollama"]

[[provider]]
name = "openai"
kind = "openai"
models = ["gpt-5*"]
secret = "openai"
prices = { "gpt-5*" = { input = "1 USD/1M", output = "1 USD/1M" } }
limits = { requests = "2/15m", tokens = "200k/day", cost = "5 USD/day" }

[[provider]]
name = "ollama"
kind = "ollama"
models = ["llama"]

[secret.openai]
env = "LONGWIRE_TEST_KEY"
"""
CHAT = "https://chat.example.com"


def provider(name: str) -> Provider:
    return next(each for each in PolicyStore().current().providers if each.name == name)


def spend(name: str, tokens: int, cost: str, entry: str = CHAT) -> None:
    """As a host does."""
    of = provider(name)
    asyncio.run(
        Budgets().reserve(key_of(of, entry, "page"), limits_of(of), tokens=tokens, cost=Decimal(cost), currency="USD")
    )


def test_every_limit_of_the_policy_is_listed_with_what_is_spent_and_when_there_is_room(home: Home) -> None:
    home.write_policy(POLICY)
    spend("openai", 1_000, "0.25")
    spend("openai", 500, "0.5")
    spend("ollama", 10**9, "0")  # which has no limits
    done = home.run("policy", "budgets")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert done.code == 0
    assert [row[:4] for row in rows] == [
        ["openai", CHAT, "2 requests per 15m", "2 requests"],
        ["openai", CHAT, "200000 tokens per day", "1500 tokens"],
        ["openai", CHAT, "5 USD per day", "0.75 USD"],
        ["openai", "https://*.tools.example.com", "2 requests per 15m", "0 requests"],
        ["openai", "https://*.tools.example.com", "200000 tokens per day", "0 tokens"],
        ["openai", "https://*.tools.example.com", "5 USD per day", "0 USD"],
    ]
    assert rows[0][4].startswith("in 1")
    assert [row[4] for row in rows[1:]] == ["now"] * 5
    told = json.loads(home.run("policy", "budgets", "--json").out)
    assert told["problems"] == []
    assert 14 * 60_000 < told["budgets"][0].pop("room_in_ms") <= 15 * 60_000 + 15_000
    key = {"source": "user", "provider": "openai", "pages": CHAT}
    assert told["budgets"][0] == key | {
        "window_ms": 900_000,
        "limit": {"kind": "requests", "amount": 2, "currency": None},
        "spent": 2,
    }
    assert told["budgets"][2] == key | {
        "window_ms": 86_400_000,
        "limit": {"kind": "cost", "amount": "5", "currency": "USD"},
        "spent": "0.75",
        "room_in_ms": 0,
    }


def test_what_was_spent_of_a_provider_that_is_gone_is_listed_as_long_as_it_counts(home: Home) -> None:
    home.write_policy(POLICY)
    spend("openai", 1_000, "0.25")
    home.policy.unlink()
    done = home.run("policy", "budgets")
    assert done.out.splitlines() == [
        f"openai\t{CHAT}\tnone\t1 request, 1000 tokens, 0.25 USD in 15m\t-",
        f"openai\t{CHAT}\tnone\t1 request, 1000 tokens, 0.25 USD in 1d\t-",
    ]
    assert json.loads(home.run("policy", "budgets", "--json").out)["budgets"][1]["spent"]["costs"] == {"USD": "0.25"}


def test_without_limits_there_is_nothing_to_list(home: Home) -> None:
    done = home.run("policy", "budgets")
    assert (done.code, done.out) == (
        0,
        "no provider of the policy has limits of requests, tokens or cost, and nothing is spent\n",
    )
    assert not (home.folder / ".local").exists()


def test_a_reset_forgets_what_one_provider_spent_for_all_pages(home: Home) -> None:
    home.write_policy(POLICY)
    spend("openai", 1_000, "0.25")
    spend("openai", 1_000, "0.25", "https://*.tools.example.com")
    done = home.run("policy", "budgets", "--reset", "openai")
    assert done.code == 0
    assert f'forgotten  what was spent of the user\'s provider "openai" for {CHAT}' in done.out
    assert len(done.out.splitlines()) == 2
    assert all(row.split("\t")[3][0] == "0" for row in home.run("policy", "budgets").out.splitlines())
    done = home.run("policy", "budgets", "--reset", "openai")
    assert (done.code, "nothing of a provider" in done.err) == (1, True)
    spend("openai", 1, "0")
    told = json.loads(home.run("policy", "budgets", "--reset", "openai", "--json").out)
    assert told == {"forgotten": [{"source": "user", "provider": "openai", "pages": CHAT}]}


def test_a_file_that_cannot_be_read_is_a_finding(home: Home) -> None:
    home.write_policy(POLICY)
    spend("openai", 1_000, "0.25")
    (file,) = (home.folder / ".local" / "state" / "longwire" / "budgets").iterdir()
    file.write_text("{")
    done = home.run("policy", "budgets")
    assert done.code == 1
    assert f"{file} is damaged" in done.err
    assert "fix: find out what it holds, and delete it" in done.err
    told = home.run("policy", "budgets", "--json")
    assert told.code == 1
    assert json.loads(told.out)["problems"][0]["problem"] == f"{file} is damaged"
