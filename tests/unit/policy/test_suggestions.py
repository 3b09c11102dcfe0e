from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longwire.audit.vocabulary import failure_fields
from longwire.policy.policy import Policy
from longwire.policy.suggestions import suggest
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import PolicyState
from longwire.upstream.resolver import SystemResolver, resolve_checked
from tests.unit.policy.samples import grant, grants, page, policy_text

PAGE = "https://chat.example.com"
GRANTS = grants(policy_text(grant(name="api-example-com")))
POLICY = Policy(PolicyState.OK, "d", (Path("p"),), GRANTS)


def denied(destination: str, method: str = "GET", **fields: Any) -> dict[str, Any]:
    return {
        "event": "error",
        "code": "POLICY_DENIED",
        "phase": "policy",
        "page": PAGE,
        "method": method,
        "destination": destination,
        "timestamp": "t",
    } | fields


def test_denials_of_one_folder_become_one_grant_that_would_have_allowed_them_all() -> None:
    urls = ["https://other.example.com/v1/a", "https://other.example.com/v1/b", "https://third.example.com/"]
    found = suggest([denied(urls[0]), denied(urls[1], "POST"), denied(urls[2], "PUT"), denied(urls[0])], POLICY)
    policy = Policy(PolicyState.OK, "d", grants=grants(policy_text(*(suggestion.text for suggestion in found))))

    assert [suggestion.count for suggestion in found] == [3, 1]
    for url, method in ((urls[0], "GET"), (urls[1], "POST"), (urls[2], "PUT")):
        policy.decide(page(PAGE), method, url)
    with pytest.raises(StreamError):
        policy.decide(page(PAGE), "DELETE", urls[0])


def test_what_is_allowed_by_now_and_what_is_no_denial_is_left_out() -> None:
    events = [
        denied("https://api.example.com/v1/x"),
        denied("https://o.example.com/", code="UPSTREAM_DNS"),
        denied("https://o.example.com/", event="start"),
        denied("(private window)", page="(private window)"),
        denied("https://o.example.com/", page="null"),
        {"event": "error"},
        {},
    ]
    assert suggest(events, POLICY) == []


def test_a_redirect_that_was_refused_is_a_wish_for_its_target() -> None:
    refused = denied("https://cdn.example.com/file", event="redirect", code="REDIRECT_DENIED", phase=None)
    # The stream's own line is about the URL that redirected, which needs nothing.
    own = denied("https://api.example.com/v1/x", code="REDIRECT_DENIED")
    (only,) = suggest([refused, own], POLICY)

    assert 'destinations = ["https://cdn.example.com/"]' in only.text


def test_what_a_page_wants_of_one_server_is_one_grant_and_what_lies_below_is_in_it() -> None:
    urls = ["https://o.example.com/a/x", "https://o.example.com/b/x", "https://o.example.com/a/c/x"]
    found = suggest(
        [denied(urls[0]), denied(urls[1]), denied(urls[2], "POST"), denied("https://p.example.com/")], POLICY
    )

    assert sorted(suggestion.count for suggestion in found) == [1, 3]
    together = found[0].text
    assert 'destinations = ["https://o.example.com/a/", "https://o.example.com/b/"]' in together
    assert 'methods = ["GET", "POST"]' in together


def test_what_a_grant_nearly_allows_is_a_line_of_that_grant() -> None:
    found = suggest([denied("https://api.example.com/v1/x", method) for method in ("PUT", "DELETE", "PUT")], POLICY)

    (only,) = found
    assert only.count == 3
    assert only.text.splitlines() == [
        '# in the grant "api-example-com" of p, line 2:',
        'methods = ["GET", "POST", "PUT", "DELETE"]',
    ]


def test_all_that_is_suggested_may_be_pasted_together() -> None:
    urls = ["https://o.example.com/a/x", "https://o.example.com/b/x", "https://o.example.com:8443/x"]
    methods = ["GET", "PUT", "GET"]
    found = suggest([denied(url, method) for url, method in zip(urls, methods, strict=True)], POLICY)
    policy = Policy(PolicyState.OK, "d", grants=grants(policy_text(*(suggestion.text for suggestion in found))))

    assert len(found) == 3
    for url, method in zip(urls, methods, strict=True):
        policy.decide(page(PAGE), method, url)


def test_what_no_grant_could_allow_is_not_suggested() -> None:
    assert suggest([denied("https://o.example.com/", "patch"), denied("http://169.254.169.254/")], POLICY) == []


def test_names_do_not_clash_with_the_policys() -> None:
    taken = Policy(PolicyState.OK, "d", grants=grants(policy_text(grant(name="a.com"), grant(name="a.com-2"))))
    (only,) = suggest([denied("https://a.com/x")], taken)

    assert 'name = "a.com-3"' in only.text


async def test_an_address_of_another_class_is_told_by_the_grant_that_it_missed() -> None:
    with pytest.raises(StreamError) as caught:
        await resolve_checked(SystemResolver(lambda _: ["10.0.0.1"]), "intranet.test", "public", "page")
    event = denied("https://intranet.test/", grant="api-example-com") | failure_fields(caught.value, private=False)
    (only,) = suggest([event, event], POLICY)

    assert "needed_network" not in failure_fields(caught.value, private=True)  # it tells of the destination
    assert only.count == 2
    assert only.text.splitlines() == [
        '# in the grant "api-example-com", line 2, if this server is meant to be reached there:',
        '# network = "private"',
    ]


@pytest.mark.parametrize("fields", [{}, {"needed_network": None}, {"needed_network": 'private"\nx = "'}])
def test_a_line_that_names_no_class_of_addresses_is_no_suggestion(fields: dict[str, Any]) -> None:
    reason = 'intranet.test leads to a private address, and the grant says network = "public"'
    event = denied("https://intranet.test/", phase="connect", reason=reason, grant="api-example-com") | fields
    assert suggest([event], POLICY) == []


@pytest.mark.parametrize("method", ['GET"]\nmethods=["DELETE', "GET\x1b[2J", "G ET", "TRACE", ""])
def test_a_method_that_would_write_lines_of_its_own_is_no_wish(method: str) -> None:
    assert suggest([denied("https://o.example.com/", method)], POLICY) == []
    assert suggest([denied("https://o.example.com/", method)], Policy(PolicyState.MISSING, "none")) == []


@pytest.mark.parametrize("closed", [Policy(PolicyState.MISSING, "none"), replace(POLICY, switched_off=Path("p"))])
def test_what_is_denied_can_always_be_written_into_a_suggestion(closed: Policy) -> None:
    for method, url in (('GET"]\nx=["', "https://o.example.com/"), ("GET", 'https://o.example.com/"]')):
        with pytest.raises(StreamError) as caught:
            closed.decide(page(PAGE), method, url)
        assert caught.value.code is ErrorCode.PROTOCOL


def test_a_flood_of_denials_is_bounded() -> None:
    assert len(suggest([denied(f"https://h{number}.example/") for number in range(500)], POLICY)) == 50
