"""Refusals to generate, from the error by way of the log's line to the lines that would have allowed them."""

from pathlib import Path
from typing import Any

import pytest

from longwire.audit.vocabulary import failure_fields
from longwire.policy import Policy, PolicyDeniedError
from longwire.policy.loading import parse_policy
from longwire.policy.suggestions import suggest
from longwire.protocol.records import PolicyState
from tests.unit.policy.samples import grant, page, policy_text, provider

CHAT, OTHER = "https://chat.example.com", "https://other.example.org"
GRANT = f'[[grant]]\nname = "mine"\npages = ["{CHAT}", "https://*.tools.example.com"]\ngenerate = ["p"]\n'
PROVIDERS = tuple(provider(name=name) for name in "pqr")
FILE = policy_text(GRANT, *PROVIDERS)


def policy(text: str = FILE) -> Policy:
    document = parse_policy(text.encode(), Path("policy.toml"), "user")
    assert document.problems == ()
    return Policy(PolicyState.OK, "d", (Path("policy.toml"),), document.grants, providers=document.providers)


def line(name: str, origin: str = CHAT, *, model: str | None = None, private: bool = False) -> dict[str, Any]:
    """What the log says of a refusal."""
    with pytest.raises(PolicyDeniedError) as caught:
        policy().decide_generation(page(origin, private=private), name, model)
    said = failure_fields(caught.value, private=private)
    return {"event": "error", "page": origin, "method": "POST", "timestamp": "t", **said}


def test_what_pages_lack_of_one_grant_is_one_line_of_it() -> None:
    tools = "https://a.tools.example.com"
    (found,) = suggest([line("q"), line("q"), line("r", tools), line("q", tools)], policy())

    assert found.count == 4
    assert found.text == ('# in the grant "mine" of policy.toml, line 2:\ngenerate = ["p", "q", "r"]')
    changed = policy(FILE.replace('generate = ["p"]', found.text.splitlines()[1]))
    assert {name for name, _ in changed.providers_for(CHAT)} == {"p", "q", "r"}


def test_a_page_without_a_grant_is_given_one_for_all_that_it_wants() -> None:
    same_host = OTHER + ":8443"
    found = suggest([line("p", OTHER), line("q", OTHER), line("p", OTHER), line("r", same_host)], policy())

    assert [each.count for each in found] == [3, 1]
    whole = policy(policy_text(GRANT, *(each.text for each in found), *PROVIDERS))
    assert [name for name, _ in whole.providers_for(OTHER)] == ["p", "q"]
    assert [name for name, _ in whole.providers_for(same_host)] == ["r"]
    assert [each.name for each in whole.grants[1:]] == ["generate-other.example.org", "generate-other.example.org-2"]


def test_what_no_lines_would_allow_and_what_is_allowed_by_now_is_left_out() -> None:
    refusals = [line("unknown"), line("p", model="x"), line("p", private=True) | {"page": "(private window)"}]
    assert "provider" not in refusals[1], "the grant is there: it is the model that is not"
    assert "provider" not in refusals[2], "of a private window nothing is written down"
    assert suggest(refusals, policy()) == []

    allowed = policy(policy_text(GRANT, grant(name="o", pages=f'["{OTHER}"]', generate='["q"]'), *PROVIDERS))
    assert suggest([line("q", OTHER)], allowed) == []
    assert [each.count for each in suggest([line("q", OTHER), line("q")], allowed)] == [1]
