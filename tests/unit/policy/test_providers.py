"""A provider of the file: what it is asked by, for how much, and what a page is allowed of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from longwire.generation.adapters import ADAPTERS
from longwire.policy import CostRate, Decision, Provider, Rate, Secret, build_request_headers
from longwire.policy.loading import PolicyDocument, parse_policy
from longwire.policy.providers import KINDS, parse_base_url
from longwire.prices import Prices
from longwire.protocol.generation_request import GenerationRequest
from tests.unit.policy.samples import CHAT, grant, grants, policy_text, provider

KEY = '[secret.key]\nfile = "/run/secrets/key"\n'
DAY = 86_400_000


def read(*parts: str) -> PolicyDocument:
    document = parse_policy(policy_text(*parts).encode(), Path("p"), "user")
    assert document.problems == (), [str(problem) for problem in document.problems]
    return document


def first(**keys: str) -> Provider:
    return read(grant(generate='["p"]'), provider(**keys), KEY).providers[0]


def problem(*parts: str) -> str:
    (only,) = parse_policy(policy_text(*parts).encode(), Path("p"), "user").problems
    return str(only)


def test_every_key_arrives() -> None:
    found = first(
        kind='"openai-chat"',
        base_url='"https://models.example.com/v1/"',
        models='["gpt-5*", "o4-mini", "o4"]',
        secret='"key"',
        network='"private"',
        max_input='"200kB"',
        prices='{ "gpt-5*" = { input = "1.25 USD/1M", output = "10 USD/1M" } }',
        limits='{ requests = "10/15m", tokens = "200k/day", cost = "5 USD/day", header_timeout = "5m", '
        'total_timeout = "1h" }',
        proxy='"http://proxy.example.com:3128"',
        ca_file='"/etc/ssl/company.pem"',
    )

    assert (found.name, found.kind, found.base_url.href, found.line) == (
        "p",
        "openai-chat",
        "https://models.example.com/v1",
        9,
    )
    assert (found.models, found.default_model) == (("gpt-5*", "o4-mini", "o4"), "o4-mini")
    assert found.secret is not None
    assert found.secret.where == "/run/secrets/key"
    assert (found.network, found.max_input, str(found.proxy)) == ("private", 200_000, "http://proxy.example.com:3128")
    assert found.prices == (("gpt-5*", Prices.parse("1.25 USD/1M", "10 USD/1M")),)
    assert found.limits.requests == Rate(10, 15 * 60_000)
    assert found.limits.tokens == Rate(200_000, DAY)
    assert found.limits.cost == CostRate(Decimal(5), "USD", DAY)
    assert (found.header_timeout_ms, found.total_timeout_ms) == (300_000, 3_600_000)
    assert found.ca_file == "/etc/ssl/company.pem"


def test_the_kinds_are_those_that_there_are_adapters_for() -> None:
    assert KINDS.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_asked_where_its_vendor_is_unless_anybody_may_be_one(kind: str) -> None:
    if KINDS[kind] is None:
        assert 'the key "base_url" is missing' in problem(grant(generate='["p"]'), provider(kind=f'"{kind}"'))
        return
    found = first(kind=f'"{kind}"')
    assert found.base_url.href.removesuffix("/") == KINDS[kind]
    assert found.network == ("loopback" if kind == "ollama" else "public")
    # Whoever says where it is, says what its address may be.
    assert first(kind=f'"{kind}"', base_url='"https://m.example.com"').network == "public"


@pytest.mark.parametrize("name", ["openai", "a", "My.own_provider-2", "1", "x" * 64])
def test_what_a_provider_may_be_called_a_page_can_ask_for(name: str) -> None:
    assert read(grant(generate=f'["{name}"]'), provider(name=name)).providers[0].name == name
    asked = GenerationRequest.model_validate({"provider": name, "messages": [{"role": "user", "content": "x"}]})
    assert asked.provider == name


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "ä", "x" * 65, "a\\n"])
def test_what_no_page_could_ask_for_is_no_name(name: str) -> None:
    assert "a provider's name has letters" in problem(provider(name=name))
    with pytest.raises(ValueError, match="provider"):
        GenerationRequest.model_validate({"provider": name, "messages": [{"role": "user", "content": "x"}]})


def test_a_model_is_named_in_full_or_by_its_beginning() -> None:
    found = first(models='["gpt-5*", "o4-mini"]')

    assert [found.allows_model(each) for each in ("gpt-5", "gpt-5.1-codex", "o4-mini")] == [True, True, True]
    assert [found.allows_model(each) for each in ("gpt-4", "o4-mini-2", "o4", "GPT-5", "")] == [False] * 5
    assert first(models='["gpt-5*"]').default_model is None


def test_the_entry_that_names_the_most_of_a_model_is_its_price() -> None:
    cheap, dear = '{ input = "1 USD/1M", output = "2 USD/1M" }', '{ input = "3 USD/1M", output = "4 USD/1M" }'
    found = first(
        models='["gpt-5*"]', prices=f'{{ "gpt-5*" = {dear}, "gpt-5-mini" = {cheap}, "gpt-5-mini*" = {dear} }}'
    )

    assert found.prices_of("gpt-5-mini") == Prices.parse("1 USD/1M", "2 USD/1M")
    assert found.prices_of("gpt-5-mini-2") == found.prices_of("gpt-5") == Prices.parse("3 USD/1M", "4 USD/1M")
    assert found.prices_of("o4") is None


@pytest.mark.parametrize(
    ("text", "amount", "window_ms"),
    [
        ("10/15m", 10, 900_000),
        ("200k/day", 200_000, DAY),
        ("1M/30d", 1_000_000, 30 * DAY),
        ("7 / hour", 7, 3_600_000),
        ("1/1s", 1, 1000),
        ("3/week", 3, 7 * DAY),
        ("60/minute", 60, 60_000),
        ("1/366d", 1, 366 * DAY),
    ],
)
def test_a_rate_is_a_number_for_a_time(text: str, amount: int, window_ms: int) -> None:
    assert Rate.parse(text) == Rate(amount, window_ms)
    assert Rate.parse(str(Rate.parse(text))) == Rate.parse(text)


@pytest.mark.parametrize(
    "text",
    ["10", "0/day", "10/0s", "10/", "/day", "-1/day", "1.5/day", "10/15", "10/15ms", "10/month", "1/367d", "1K/d"],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be (a number for a time|between)"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 USD/day", CostRate(Decimal(5), "USD", DAY)),
        ("0.50EUR/24h", CostRate(Decimal("0.50"), "EUR", DAY)),
        ("1000000 JPY / week", CostRate(Decimal(1_000_000), "JPY", 7 * DAY)),
    ],
)
def test_a_bound_of_the_cost_is_a_sum_for_a_time(text: str, expected: CostRate) -> None:
    assert CostRate.parse(text) == expected
    assert CostRate.parse(str(expected)) == expected


@pytest.mark.parametrize("text", ["5/day", "5 usd/day", "0 USD/day", "0.00 USD/day", "$5/day", "5 USD", "-5 USD/day"])
def test_what_is_no_sum_for_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a sum for a time"):
        CostRate.parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("api.openai.com/v1", "must be a URL such as"),
        ("ftp://api.example.com", "must be a URL such as"),
        ("https://key@api.example.com", "the key's place is `secret`"),
        ("https://api.example.com/v1?key=1", "has no query"),
        ("https://api.example.com/v1#x", "has no query and no fragment"),
        ("https://API.example.com/v1", 'write "https://api.example.com/v1"'),
        ("https://api.example.com:443/v1", 'write "https://api.example.com/v1"'),
        ("https://api.example.com/v1/../v2", 'write "https://api.example.com/v2"'),
        ("https://api.example.com/%2e%2e%2fv1", "segment"),
        ("http://0x7f.1:11434", 'write "http://127.0.0.1:11434"'),
    ],
)
def test_a_base_url_that_is_read_in_two_ways_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"must be|has no|has another|the path") as caught:
        parse_base_url(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.openai.com/v1", "/responses", "https://api.openai.com/v1/responses"),
        ("https://api.openai.com/v1/", "/responses", "https://api.openai.com/v1/responses"),
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("http://[::1]:11434/", "/api/chat", "http://[::1]:11434/api/chat"),
        ("https://x.example.com:8443/a%7Cb", "/c", "https://x.example.com:8443/a%7Cb/c"),
    ],
)
def test_a_path_is_below_the_base_url(base: str, path: str, url: str) -> None:
    found = first(base_url=f'"{base}"', kind='"openai-compatible"')
    assert found.url(path).href == url


def test_what_it_is_asked_by_allows_one_path_by_post_with_the_key() -> None:
    page_grant = grant(
        "private_windows = true",
        'inject = { X-Other = "{secret:key}" }',
        'limits = { streams = 3, total_timeout = "10m" }',
        'network = "loopback"',
        generate='["p"]',
    )
    lines = ('limits = { header_timeout = "1m", total_timeout = "1h" }',)
    document = read(page_grant, provider(*lines, base_url='"https://m.example.com/v1"', secret='"key"'), KEY)
    (of,) = document.grants
    asked = of.for_provider(of.generate[0], "Authorization", "Bearer ", "/responses")

    assert (asked.name, asked.pages, asked.private_windows, asked.line) == ("g", of.pages, True, of.line)
    assert [str(each) for each in asked.destinations] == ["https://m.example.com/v1/responses"]
    assert (asked.methods, asked.network, asked.guards) == (("POST",), "public", True)
    assert (asked.limits.streams, asked.limits.header_timeout_ms, asked.limits.total_timeout_ms) == (3, 60_000, 600_000)
    assert not asked.reaches(of.generate[0].url("/files"))
    decision = Decision(asked, of.generate[0].url("/responses"), "POST")
    sent = build_request_headers([("Content-Type", "application/json")], decision, {"key": Secret("key", "sk-1")})
    assert sent == [("Content-Type", "application/json"), ("Authorization", "Bearer sk-1")]


def test_without_a_secret_nothing_is_sent_as_one() -> None:
    (of,) = read(grant(generate='["p"]'), provider()).grants
    asked = of.for_provider(of.generate[0], "Authorization", "Bearer ", "/api/chat")

    assert (asked.inject, asked.secrets, asked.guards) == ((), (), False)


def test_a_grant_without_providers_is_what_it_was_before_there_were_any() -> None:
    # What is suspended on a disk goes by this.
    assert grants(CHAT)[0].fingerprint == "311340306d848cb55171f2035b92b04a"


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("version = 1", "version = 1\n\n", True),
        ('models = ["m"]', 'models = ["m", "n"]', False),
        ('file = "/run/secrets/key"', 'file = "/run/secrets/other"', False),
        ('kind = "ollama"', 'kind = "ollama"\nlimits = { requests = "1/day" }', False),
        ('generate = ["p"]', 'generate = ["p", "q"]', False),
    ],
)
def test_a_grant_is_another_where_a_provider_of_it_is(old: str, new: str, same: bool) -> None:
    text = policy_text(grant(generate='["p"]'), provider('secret = "key"'), provider(name="q"), KEY)
    assert old in text
    changed = grants(text.replace(old, new, 1))[0]

    assert (changed.fingerprint == grants(text)[0].fingerprint) is same


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (provider(name="p") + provider(name="p"), "provider[0] has the same name"),
        (provider('proxy = "http://p.example.com:1"'), "leads away from this machine"),
        (grant(generate='["q"]') + provider(), "this file has no [[provider]] of the name q"),
        (grant(generate="[]") + provider(), "must have at least 1 entry"),
        (
            provider(prices='{ "m" = { input = "1 USD/1M" } }'),
            'field provider[0].prices.m: the key "output" is missing',
        ),
        (provider(prices='{ "m" = { inptu = "1 USD/1M", output = "1 USD/1M" } }'), 'did you mean "input"?'),
    ],
)
def test_a_provider_that_cannot_be_meant_is_a_problem_with_its_place(lines: str, says: str) -> None:
    found = parse_policy(policy_text(lines).encode(), Path("p"), "user").problems

    assert any(says in str(each) for each in found), [str(each) for each in found]


def test_a_grant_opens_requests_or_generation_or_both() -> None:
    both = grant(generate='["p"]')
    only = '[[grant]]\nname = "g"\npages = ["https://a.example.com"]\n'

    assert read(both, provider()).grants[0].methods == ("GET", "POST")
    assert read(f'{only}generate = ["p"]\n', provider()).grants[0].destinations == ()
    missing = 'line 2, field grant[0]: the key "{}" is missing'
    found = parse_policy(policy_text(only, provider()).encode(), Path("p"), "user").problems
    assert [str(each) for each in found] == [missing.format("destinations"), missing.format("methods")]
    for key, line in (("destinations", 'methods = ["GET"]'), ("methods", 'destinations = ["https://a.example.com"]')):
        assert problem(f'{only}generate = ["p"]\n{line}\n', provider()) == missing.format(key)
    # A mistake in `generate` is one complaint, not three.
    assert problem(f"{only}generate = [1]\n", provider()) == "line 5, field grant[0].generate[0]: must be a text"
