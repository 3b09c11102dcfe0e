"""`features` of a grant: absent, all is as ever; there, they narrow, and a refusal names the line to add."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longwire.engine.durable_access import Asked, allow, allow_some
from longwire.policy.coverage import unreachable_grants
from longwire.policy.decision import PolicyDeniedError, decide
from longwire.policy.features import FEATURES, features_line
from longwire.policy.loading import parse_policy
from longwire.policy.policy import Policy
from longwire.protocol.records import Page, PolicyState
from tests.unit.policy.samples import grant, grants, policy_text, provider

PAGE = "https://chat.example.com"
URL = "https://api.example.com/v1/chat"
SOCKET = "wss://api.example.com/v1/chat"
BOTH = '["https://api.example.com/v1/", "wss://api.example.com/v1/"]'


def of(*lines: str, **keys: str) -> Policy:
    text = policy_text(grant(*lines, destinations=BOTH, **keys), provider())
    document = parse_policy(text.encode(), Path("p"), "user")
    assert document.problems == (), [str(problem) for problem in document.problems]
    return Policy(PolicyState.OK, "d", (Path("p"),), document.grants, warnings=(), providers=document.providers)


def page() -> Page:
    return Page(origin=PAGE, tab=1, frame=0, document="d", private=False, profile="p" * 22)


def allowed(policy: Policy) -> set[str]:
    """Which features the page has, each tried as a request would."""
    found = set()
    tries: dict[str, Callable[[], object]] = {
        "fetch": lambda: policy.decide(page(), "GET", URL),
        "websocket": lambda: policy.decide(page(), "GET", SOCKET),
        "generate": lambda: policy.decide_generation(page(), "p"),
        "durable": lambda: allow(policy, page(), Asked("http", "GET", URL)),
    }
    for name, ask in tries.items():
        try:
            ask()
            found.add(name)
        except PolicyDeniedError as refused:
            message = refused.text
            assert ("features = [" in message and f'"{name}"' in message) or name == "durable", message
    return found


WHOLE = {"durable": "{}", "generate": '["p"]'}


def test_without_features_all_is_as_ever() -> None:
    assert allowed(of(**WHOLE)) == {"fetch", "websocket", "generate", "durable"}
    assert of(**WHOLE).grants[0].has("record")


@pytest.mark.parametrize("feature", ["fetch", "websocket", "generate"])
def test_one_feature_alone_is_the_only_one(feature: str) -> None:
    policy = of(features=f'["{feature}"]', **WHOLE)
    assert allowed(policy) == {feature}
    assert not policy.grants[0].has("record")


def test_durable_comes_on_top_of_what_a_page_asks_by() -> None:
    assert allowed(of(features='["durable"]', **WHOLE)) == set()
    assert allowed(of(features='["fetch", "durable"]', **WHOLE)) == {"fetch", "durable"}


def test_a_feature_opens_nothing_that_the_grant_does_not_have() -> None:
    policy = of(features='["fetch", "websocket", "generate", "durable", "record"]')
    assert allowed_without_lines(policy) == {"fetch", "websocket"}


def allowed_without_lines(policy: Policy) -> set[str]:
    found = set()
    for name, url in (("fetch", URL), ("websocket", SOCKET)):
        policy.decide(page(), "GET", url)
        found.add(name)
    with pytest.raises(PolicyDeniedError):
        policy.decide_generation(page(), "p")
    with pytest.raises(PolicyDeniedError, match="durable = "):
        allow(policy, page(), Asked("http", "GET", URL))
    return found


def test_a_later_grant_may_have_what_an_earlier_one_leaves_out() -> None:
    granted = grants(
        policy_text(grant(name="a", destinations=BOTH, features='["fetch"]'), grant(name="b", destinations=BOTH))
    )
    assert decide(granted, PAGE, private=False, method="GET", url=SOCKET).grant.name == "b"
    assert unreachable_grants(granted) == []


def test_an_earlier_grant_without_features_covers_a_later_one_with_them() -> None:
    granted = grants(
        policy_text(grant(name="a", destinations=BOTH), grant(name="b", destinations=BOTH, features='["fetch"]'))
    )
    ((found, _),) = unreachable_grants(granted)
    assert found.name == "b"


def test_a_page_is_told_only_of_what_is_left() -> None:
    policy = of(features='["websocket"]', **WHOLE)
    assert policy.destinations_for(PAGE) == ["wss://api.example.com/v1/"]
    assert policy.providers_for(PAGE) == []
    assert "features leave nothing" in (of(features='["record"]', **WHOLE).closed_to(PAGE) or "")


def test_a_refusal_of_a_durable_request_names_the_line() -> None:
    policy = of(features='["fetch"]', **WHOLE)
    with pytest.raises(PolicyDeniedError, match=r'features = \["fetch", "durable"\]') as refused:
        allow(policy, page(), Asked("http", "GET", URL))
    assert "durable = " not in refused.value.text
    with pytest.raises(PolicyDeniedError, match="features"):
        allow_some(policy, page())


@pytest.mark.parametrize(
    ("features", "field", "blocks"),
    [
        ('["fetch"]', ["destinations[1]", "durable", "generate[0]"], True),
        ('["record"]', ["destinations[0]", "destinations[1]", "durable", "generate[0]"], True),
    ],
)
def test_what_stands_there_without_effect_is_a_warning(features: str, field: list[str], blocks: bool) -> None:
    text = policy_text(grant(destinations=BOTH, features=features, **WHOLE), provider())
    warnings = parse_policy(text.encode(), Path("p"), "user").warnings
    found = [each for each in warnings if "features" in each.text]
    fields = sorted(str(each).partition("grant[0].")[2].partition(":")[0] for each in found)
    assert fields == [each.replace("generate[0]", "generate") for each in field]
    assert any(each.blocks for each in found) is blocks


@pytest.mark.parametrize(
    ("features", "says"),
    [('["Fetch"]', 'write "fetch"'), ('["fetsch"]', "'record'"), ("[]", "at least 1"), ('"fetch"', "list")],
)
def test_a_feature_that_is_none_is_an_error_that_says_what_to_write(features: str, says: str) -> None:
    (problem,) = parse_policy(policy_text(grant(features=features)).encode(), Path("p"), "user").problems
    assert says in str(problem), str(problem)
    assert "features" in str(problem)


def test_the_line_has_each_once_and_in_one_order() -> None:
    assert features_line(("record", "fetch", "fetch")) == 'features = ["fetch", "record"]'
    assert len(FEATURES) == 5


def test_a_change_of_features_changes_the_fingerprint_and_nothing_else_does() -> None:
    whole, narrow = of(**WHOLE).grants[0], of(features='["fetch"]', **WHOLE).grants[0]
    assert whole.fingerprint != narrow.fingerprint
