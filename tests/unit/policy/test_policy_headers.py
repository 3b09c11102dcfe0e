import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.decision import Decision, PolicyDeniedError
from longwire.policy.header_rules import (
    HIDDEN_RESPONSE_HEADERS,
    HIDDEN_RESPONSE_PREFIXES,
    RANGE_FIELDS,
    REQUEST_HEADERS,
    Setter,
    setter_of,
)
from longwire.policy.headers import build_request_headers, filter_response_headers
from longwire.policy.reflection import secret_in_headers
from longwire.policy.secrets import Secret
from longwire.policy.urls import parse_canonical
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_HEADER_PAIRS, MAX_HEADERS_CHARS
from tests.unit.policy.samples import grant, grants, policy_text

KEY = Secret("key", "sk-0123456789abcdef")
SECRETS = {"key": KEY}


def decision(method: str = "GET", **keys: str) -> Decision:
    (only,) = grants(policy_text(grant(**keys), '[secret.key]\nenv = "K"'))
    return Decision(only, parse_canonical("https://api.example.com/v1/x"), method)


PLAIN = decision()
INJECT = '{ Authorization = "Bearer {secret:key}" }'
INJECTING = decision(inject='{ Authorization = "Bearer {secret:key}", X-Fixed = "a b" }')


def refused(name: str, value: str = "x") -> str:
    with pytest.raises(StreamError) as caught:
        build_request_headers([(name, value)], PLAIN, {})
    assert caught.value.code is ErrorCode.PROTOCOL
    return caught.value.text


def test_ordinary_headers_pass_in_order_duplicates_kept() -> None:
    pairs = [("Accept", "a"), ("x-b", ""), ("accept", "b"), ("User-Agent", "me"), ("x-c", "a\tb \xfc")]

    assert build_request_headers(pairs, PLAIN, {}) == pairs


def test_an_injected_name_replaces_the_pages_in_any_case() -> None:
    pairs = [("AUTHORIZATION", "Bearer dummy"), ("x-fixed", "1"), ("accept", "a"), ("authorization", "again")]

    assert build_request_headers(pairs, INJECTING, SECRETS) == [
        ("accept", "a"),
        ("Authorization", "Bearer sk-0123456789abcdef"),
        ("X-Fixed", "a b"),
    ]


def test_an_injected_name_replaces_what_a_server_would_take_for_it() -> None:
    keyed = decision(inject='{ X-Api-Key = "{secret:key}" }')
    pairs = [("x_api_key", "mine"), ("X_API-Key", "mine"), ("xapikey", "passes")]

    assert build_request_headers(pairs, keyed, SECRETS) == [("xapikey", "passes"), ("X-Api-Key", "sk-0123456789abcdef")]


@pytest.mark.parametrize("name", ["Content_Length", "transfer_encoding", "Proxy_Authorization", "sec_fetch-site"])
def test_a_forbidden_name_is_refused_in_the_spelling_that_servers_take_for_it(name: str) -> None:
    assert "may not be set by a page" in refused(name)


def test_a_method_is_overridden_in_no_spelling() -> None:
    with pytest.raises(PolicyDeniedError, match="asks for DELETE"):
        build_request_headers([("X_HTTP_Method_Override", "DELETE")], PLAIN, {})


def test_a_narrowing_grant_leaves_the_rest_out() -> None:
    narrow = decision(request_headers='["Content-Type", "openai-*"]')
    pairs = [("content-type", "a"), ("OpenAI-Beta", "b"), ("openai", "c"), ("x", "d"), ("accept", "e")]

    assert build_request_headers(pairs, narrow, {}) == pairs[:2]


def test_narrowing_does_not_touch_what_is_injected() -> None:
    narrow = decision(request_headers='["accept"]', inject='{ X-Key = "{secret:key}" }')

    assert build_request_headers([], narrow, SECRETS) == [("X-Key", "sk-0123456789abcdef")]


@pytest.mark.parametrize("name", sorted(name for name, rule in REQUEST_HEADERS.items() if Setter.PAGE not in rule))
def test_every_forbidden_name_is_refused_in_any_case(name: str) -> None:
    assert "may not be set by a page" in refused(name)
    assert "may not be set by a page" in refused(name.title())


@pytest.mark.parametrize("name", ["X-Original-URL", "x-rewrite-url", "X_Original_Url", "X-Forwarded-Prefix"])
def test_only_a_grant_names_another_path_than_the_urls(name: str) -> None:
    assert "may not be set by a page" in refused(name, "/admin")

    injecting = decision(inject=f'{{ {name} = "/v1/fixed" }}')
    assert build_request_headers([], injecting, {}) == [(name, "/v1/fixed")]


@pytest.mark.parametrize(
    "name", ["Sec-Fetch-Site", "sec-anything", "Proxy-Authorization", "proxy-x", "Proxy-Connection"]
)
def test_the_forbidden_prefixes_are_refused(name: str) -> None:
    refused(name)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "ä", "a\0", "(x)", 'a"', ":authority", " a"])
def test_what_is_no_token_is_no_name(name: str) -> None:
    assert "is not a header name" in refused(name)


@pytest.mark.parametrize(
    "value", ["a\r\nX: b", "a\nb", "a\rb", "a\0b", "\x7f", " a", "a ", "\ta", "a\t", " ", "☃", "a\x01", "\x1b[0m"]
)
def test_what_no_field_may_carry_is_refused_without_quoting_it(value: str) -> None:
    message = refused("x-a", value)

    assert "characters that no header may carry" in message
    assert value not in message or len(value) < 2


@given(st.text(max_size=20), st.text(max_size=30))
def test_nothing_that_is_sent_can_start_a_line_of_its_own(name: str, value: str) -> None:
    try:
        pairs = build_request_headers([(name, value)], INJECTING, SECRETS)
    except StreamError:
        return
    for sent_name, sent_value in pairs:
        line = f"{sent_name}: {sent_value}".encode("latin-1")
        assert not set(line) & {0, 10, 13}
        assert sent_value == sent_value.strip(" \t")
        assert setter_of(sent_name) is not Setter.NOBODY


def test_too_many_and_too_long_are_refused() -> None:
    many = [("x", "y")] * MAX_HEADER_PAIRS
    assert build_request_headers(many, PLAIN, {}) == many
    with pytest.raises(StreamError, match="more than"):
        build_request_headers([*many, ("x", "y")], PLAIN, {})

    half = [("a", "v" * (MAX_HEADERS_CHARS // 2 - 1))] * 2
    assert build_request_headers(half, PLAIN, {}) == half
    with pytest.raises(StreamError, match="longer than"):
        build_request_headers([*half, ("a", "")], PLAIN, {})


@pytest.mark.parametrize("name", ["X-HTTP-Method", "x-http-method-override", "X-Method-Override"])
def test_a_header_cannot_ask_for_a_method_that_is_not_granted(name: str) -> None:
    assert build_request_headers([(name, "post")], PLAIN, {}) == [(name, "post")]
    assert "forbidden method" in refused(name, "GET, TRACE")
    with pytest.raises(PolicyDeniedError, match="DELETE"):
        build_request_headers([(name, "DELETE")], PLAIN, {})


@pytest.mark.parametrize("name", [*sorted(RANGE_FIELDS), "RANGE", "x_ms_range"])
def test_where_a_secret_is_guarded_no_page_has_answers_cut_for_it(name: str) -> None:
    pairs = [(name, "bytes=0-9")]
    with pytest.raises(PolicyDeniedError, match="say ranges = true in that grant, and the guard then promises less"):
        build_request_headers(pairs, INJECTING, SECRETS)
    for grant_that_lets_it in (
        PLAIN,
        decision(inject='{ X-Fixed = "no secret" }'),
        decision(inject=INJECT, ranges="true"),
        decision(inject=INJECT, reflection_guard="false"),
    ):
        assert pairs[0] in build_request_headers(pairs, grant_that_lets_it, SECRETS)
    left_out = decision(inject=INJECT, request_headers='["accept"]')
    assert pairs[0] not in build_request_headers(pairs, left_out, SECRETS)


ASKED = "text/plain;q=0.5, application/json; charset"


@pytest.mark.parametrize(
    "charset", ["=utf-16", '="UTF-7"', "= cp037", "=ibm-1047;q=1", "=utf-8, a/b;charset=utf-16", "*=x"]
)
def test_where_a_secret_is_guarded_no_page_chooses_how_its_characters_are_written(charset: str) -> None:
    pairs = [("ACCEPT", ASKED + charset)]
    with pytest.raises(PolicyDeniedError, match="ask for utf-8, or for none"):
        build_request_headers(pairs, INJECTING, SECRETS)
    for grant_that_lets_it in (PLAIN, decision(inject=INJECT, reflection_guard="false")):
        assert pairs[0] in build_request_headers(pairs, grant_that_lets_it, SECRETS)
    for usual in ("", "; charset=utf-8", ';charset="UTF-8"', "; Charset=iso-8859-1", ";charset=windows-1252, text/x"):
        asked = ("Accept", f"text/plain{usual}")
        assert asked in build_request_headers([asked], INJECTING, SECRETS)


def test_a_head_asks_for_no_coding_where_a_secret_is_guarded() -> None:
    plain = ("Accept-Encoding", "identity")
    assert plain in build_request_headers([], decision("HEAD", inject=INJECT), SECRETS)
    for other in (
        decision("GET", inject=INJECT),
        decision("HEAD"),
        decision("HEAD", inject=INJECT, reflection_guard="false"),
    ):
        assert plain not in build_request_headers([], other, SECRETS)


LENGTHS = [("content-length", "80"), ("Content-Range", "bytes 0-79/80"), ("x-goog-stored-content-length", "80")]


@pytest.mark.parametrize("coding", ["gzip", "identity, br", "ZSTD", "x-unknown"])
def test_no_field_tells_the_length_of_a_coded_body_where_a_secret_is_guarded(coding: str) -> None:
    coded = [("content-type", "text/plain"), ("content-encoding", coding), *LENGTHS]
    assert filter_response_headers(coded, INJECTING.grant, 200) == coded[:2]
    assert filter_response_headers(LENGTHS, INJECTING.grant, 304) == []
    for shown in (LENGTHS, [("content-encoding", "identity"), *LENGTHS]):
        assert filter_response_headers(shown, INJECTING.grant, 200) == shown
    assert filter_response_headers(coded, PLAIN.grant, 200) == coded


@pytest.mark.parametrize("name", [*sorted(HIDDEN_RESPONSE_HEADERS), "Proxy-Authenticate", "proxy-anything"])
def test_the_never_list_is_never_shown(name: str) -> None:
    pairs = [(name.title(), "x"), ("content-type", "text/plain"), (name, "y")]
    widest = decision(response_headers='["*"]')

    assert filter_response_headers(pairs, PLAIN.grant, 200) == [("content-type", "text/plain")]
    assert filter_response_headers(pairs, widest.grant, 200) == [("content-type", "text/plain")]


def test_every_name_that_is_not_shown_has_its_reason_in_the_docs() -> None:
    document = (Path(__file__).parents[3] / "docs" / "page-api.md").read_text()
    section = document.partition("## What of a response a page does not see")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE)
    prefixes = {f"{prefix}*": reason for prefix, reason in HIDDEN_RESPONSE_PREFIXES.items()}
    assert [(name.lower(), reason) for name, reason in rows] == sorted((HIDDEN_RESPONSE_HEADERS | prefixes).items())


def test_a_challenge_is_shown() -> None:
    pairs = [("WWW-Authenticate", 'Bearer resource_metadata="https://x/"'), ("Authentication-Info", "nextnonce=1")]

    assert filter_response_headers(pairs, PLAIN.grant, 401) == pairs
    assert filter_response_headers(pairs, decision(response_headers='["etag"]').grant, 401) == []


def test_what_connection_names_belongs_to_the_connection() -> None:
    pairs = [("Connection", "close, X-Hop"), ("x-hop", "1"), ("X-Kept", "2"), ("x-kept", "3")]

    assert filter_response_headers(pairs, PLAIN.grant, 200) == [("X-Kept", "2"), ("x-kept", "3")]


def test_a_narrowing_grant_shows_the_page_what_it_lists() -> None:
    narrow = decision(response_headers='["content-type", "x-ratelimit-*"]')
    pairs = [("Content-Type", "a"), ("X-RateLimit-Left", "1"), ("server", "x"), ("set-cookie", "y")]

    assert filter_response_headers(pairs, narrow.grant, 200) == pairs[:2]


def test_a_secret_in_a_response_header_is_found() -> None:
    assert secret_in_headers([("x-echo", f"you sent {KEY.reveal()}")], [KEY]) == KEY.name
    assert not secret_in_headers([("x-echo", "nothing")], [KEY])
    assert not secret_in_headers([("x-echo", "short")], [Secret("s", "short")])
