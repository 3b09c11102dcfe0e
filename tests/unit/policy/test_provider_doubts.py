"""What a valid provider cannot mean, or what makes its bounds worth nothing: each a warning at its place."""

from pathlib import Path

import pytest

from longwire.policy import ways_round
from longwire.policy.loading import parse_policy
from longwire.policy.matching import HostPattern, PagePattern
from longwire.policy.problems import Problem
from tests.unit.policy.samples import grant, policy_text, provider

KEY = '[secret.key]\nenv = "K"\n'
GENERATE = '[[grant]]\nname = "g"\npages = ["https://chat.example.com"]\ngenerate = ["p"]\n'


def doubts(*parts: str) -> list[Problem]:
    document = parse_policy(policy_text(*parts).encode(), Path("p"), "user")
    assert document.problems == (), [str(problem) for problem in document.problems]
    return list(document.warnings)


def about(*parts: str) -> list[str]:
    return [str(each) for each in doubts(*parts)]


def asked(*lines: str, secret: bool = False, **keys: str) -> list[Problem]:
    """Of a file with that provider, and a grant that names it."""
    named = {"secret": '"key"'} if secret else {}
    return doubts(GENERATE, provider(*lines, **named, **keys), KEY if secret else "")


def test_a_provider_that_is_what_it_should_be_is_not_doubted() -> None:
    assert asked() == []
    assert asked(kind='"openai"', secret=True) == []
    assert asked(kind='"openai-compatible"', base_url='"https://m.example.com"', secret=True) == []
    assert (
        asked(kind='"openai-compatible"', base_url='"http://10.0.0.1:8000/v1"', network='"private"', secret=True) == []
    )


def test_one_that_no_grant_names() -> None:
    (found,) = doubts(grant(), provider())
    assert str(found) == "line 9, field provider[0].name: no grant lets pages generate with this provider"


@pytest.mark.parametrize(
    ("kind", "base_url", "says", "blocks"),
    [
        ("ollama", "http://127.0.0.1:11434", 'is a loopback address, which network = "public" does not reach', True),
        ("openai", "http://api.example.com/v1", "takes the secret over http", False),
        ("openai", "https://api.openai.com/v1/responses", "ends in /responses, which the host adds", True),
        ("openai-chat", "https://api.openai.com/v1/chat/completions", "ends in /chat/completions, which", True),
        ("anthropic", "https://api.anthropic.com/v1", "ends in /v1, which is added by the host", True),
        ("anthropic", "https://api.anthropic.com/v1/messages", "ends in /messages, which the host adds", True),
        ("ollama", "https://ollama.example.com/v1", 'or write kind = "openai-compatible"', True),
        ("ollama", "https://ollama.example.com/api", "ends in /api, which is added by the host", True),
        (
            "openai",
            "https://api.openai.com",
            'has no path, and this kind of provider has one: write "https://api.openai.com/v1"',
            False,
        ),
        ("xai", "https://api.x.ai", 'write "https://api.x.ai/v1"', False),
    ],
)
def test_an_address_that_is_taken_over_wrongly(kind: str, base_url: str, says: str, blocks: bool) -> None:
    (found,) = asked(kind=f'"{kind}"', base_url=f'"{base_url}"', secret=True)

    assert found.field == "provider[0].base_url"
    assert says in found.text
    assert found.blocks is blocks


@pytest.mark.parametrize("kind", ["openai", "openai-chat", "xai", "anthropic"])
def test_a_service_that_wants_a_key_and_gets_none(kind: str) -> None:
    (found,) = asked(kind=f'"{kind}"')

    assert (found.field, found.blocks) == ("provider[0]", True)
    assert "this service refuses whoever sends no key" in found.text
    # Somebody's own server may want none.
    assert asked(kind=f'"{kind}"', base_url='"https://m.example.com/x"') == []


def test_a_secret_that_a_grant_injects_too_by_whichever_name() -> None:
    keyed = provider('secret = "key"')
    injecting = grant(inject='{ Authorization = "Bearer {secret:same}" }', pages='["https://other.org"]', name="h")
    same = '[secret.same]\nenv = "K"\n'

    assert about(GENERATE, keyed, injecting, KEY, same) == [
        'line 11, field provider[0].secret: the grant "h" injects it too: what its pages send with it is not held to '
        "the models and limits of this provider"
    ]
    assert about(GENERATE, keyed, injecting, KEY, same.replace('"K"', '"L"')) == []


def test_a_secret_that_many_grants_inject_is_one_warning() -> None:
    many = [grant(inject='{ A = "{secret:key}" }', name=f"g{number}") for number in range(3)]
    (found,) = doubts(GENERATE.replace('"g"', '"generate"'), provider('secret = "key"'), *many, KEY)

    assert found.text.startswith('the grant "g0" and 2 more inject it too: ')


def test_a_secret_of_a_provider_is_used() -> None:
    assert asked(kind='"openai"', secret=True) == []


PRICE = '{ input = "1 USD/1M", output = "2 USD/1M" }'


@pytest.mark.parametrize(
    ("models", "prices", "unpriced"),
    [
        ('["a", "b*"]', f'{{ "a" = {PRICE}, "b*" = {PRICE} }}', []),
        ('["a", "b*"]', f'{{ "a*" = {PRICE}, "b" = {PRICE} }}', [1]),
        ('["abc*", "abc-1"]', f'{{ "ab*" = {PRICE} }}', []),
        ('["abc*", "abc-1"]', f'{{ "abc-*" = {PRICE} }}', [0]),
        ('["a"]', "{}", [0]),
    ],
)
def test_a_limit_of_the_cost_and_a_model_without_a_price(models: str, prices: str, unpriced: list[int]) -> None:
    found = asked(models=models, prices=prices, limits='{ cost = "1 USD/day" }')

    assert [each.field for each in found] == [f"provider[0].models[{number}]" for number in unpriced]
    assert all(each.blocks and "requests for it are refused" in each.text for each in found)
    # Without that limit prices are for the sums that pages are told.
    assert asked(models=models, prices=prices) == []


def test_a_price_of_a_model_that_nobody_can_ask_for() -> None:
    (found,) = asked(
        models='["a", "b-1*"]', prices=f'{{ "a" = {PRICE}, "b*" = {PRICE}, "b-1-x" = {PRICE}, "c" = {PRICE} }}'
    )

    assert str(found) == "line 11, field provider[0].prices.c: is no model of this provider's"


@pytest.mark.parametrize(
    ("destination", "methods", "pages", "warned"),
    [
        ("https://m.example.com", '["POST"]', "https://chat.example.com", True),
        ("https://m.example.com/v1/", '["GET", "POST"]', "https://*.example.com", True),
        ("https://m.example.com/v1/chat", '["PUT"]', "https://chat.example.com", True),
        ("https://*.example.com/", '["POST"]', "https://chat.example.com", True),
        ("https://m.example.com/v1/", '["GET", "HEAD"]', "https://chat.example.com", False),
        ("https://m.example.com/v2/", '["POST"]', "https://chat.example.com", False),
        ("https://m.example.com/v1evil", '["POST"]', "https://chat.example.com", False),
        ("https://m.example.com:8443/v1/", '["POST"]', "https://chat.example.com", False),
        ("http://m.example.com/v1/", '["POST"]', "https://chat.example.com", False),
        ("https://m.example.com/v1/", '["POST"]', "https://other.org", False),
    ],
)
def test_a_way_round_the_bounds_of_a_provider(destination: str, methods: str, pages: str, warned: bool) -> None:
    direct = grant(name="h", destinations=f'["https://x.org/", "{destination}"]', methods=methods, pages=f'["{pages}"]')
    there = provider(kind='"openai-compatible"', base_url='"https://m.example.com/v1"')
    told = about(GENERATE, there, direct)

    text = (
        "line 16, field grant[1].destinations[1]: reaches the provider p directly: pages that may generate there can "
        "ask it past its models and limits"
    )
    assert told == ([text] if warned else [])
    # A grant that is off lets nobody anywhere.
    assert about(GENERATE, there, f"{direct}enabled = false\n") == []
    assert about(f"{GENERATE}enabled = false\n", there, direct) == []


def test_the_search_for_ways_round_ends_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [GENERATE, provider(base_url='"https://m.example.com"')]
    parts += [grant(name=f"h{number}", destinations='["https://m.example.com"]') for number in range(5)]
    # For each of the five: its destination, and its one page beside the one of the grant that generates.
    monkeypatch.setattr(ways_round, "MAX_STEPS", 10)
    assert ["reaches the provider" in each.text for each in doubts(*parts)] == [True] * 5
    monkeypatch.setattr(ways_round, "MAX_STEPS", 9)
    assert ["reaches the provider" in each.text for each in doubts(*parts)] == [True] * 4 + [False]
    assert doubts(*parts)[-1].text.startswith("from here on there are too many entries")


def test_one_grant_for_both_is_a_way_round_too() -> None:
    (found,) = doubts(
        grant(generate='["p"]', destinations='["https://m.example.com/"]'),
        provider(base_url='"https://m.example.com"'),
    )
    assert found.field == "grant[0].destinations[0]"


def test_what_stands_in_a_grant_that_only_generates_and_would_be_for_requests() -> None:
    lines = 'network = "loopback"\ninject = { X-Key = "{secret:key}" }\nprivate_windows = true\n'
    fields = [each.field for each in doubts(GENERATE + lines, provider(), KEY) if "is for destinations" in each.text]

    assert fields == ["grant[0].network", "grant[0].inject"]
    assert about(grant('network = "public"', generate='["p"]'), provider()) == []


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("https://a.test", "https://a.test", True),
        ("https://a.test", "https://b.test", False),
        ("https://a.test", "http://a.test", False),
        ("https://*.a.test", "https://x.a.test", True),
        ("https://*.a.test", "https://a.test", False),
        ("https://*.a.test", "https://*.x.a.test", True),
        ("https://*.a.test", "https://*.b.test", False),
        ("https://*.a.test", "https://*.a.test", True),
        ("https://*.a.test", "https://*.aa.test", False),
        ("http://127.0.0.1:*", "http://127.0.0.1:80", True),
        ("http://127.0.0.1:81", "http://127.0.0.1:80", False),
        ("longwire:terminal", "longwire:terminal", True),
        ("longwire:terminal", "https://terminal.test", False),
    ],
)
def test_patterns_overlap_where_some_page_is_named_by_both(one: str, other: str, overlap: bool) -> None:
    first, second = (pattern(each) for each in (one, other))
    assert (first.overlaps(second), second.overlaps(first)) == (overlap, overlap)


def pattern(text: str) -> HostPattern:
    return PagePattern.parse(text).origin
