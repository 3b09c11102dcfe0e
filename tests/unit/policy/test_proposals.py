"""Lines that are proposed work when they are pasted, and there are none where none would."""

from pathlib import Path

import pytest

from longwire.policy.decision import decide, hopeless
from longwire.policy.policy import Policy
from longwire.policy.proposals import Asking, Proposal, propose
from longwire.policy.urls import CanonicalUrl, parse_lenient
from longwire.protocol.records import PolicyState
from tests.unit.policy.samples import CHAT, grant, grants, policy_text

PAGE = parse_lenient("https://chat.example.com")
OTHER_PAGE = parse_lenient("https://other.example.com")
SECRETS = '[secret.key]\nenv = "LONGWIRE_TEST_KEY"\n'


def policy_of(text: str) -> Policy:
    return Policy(PolicyState.OK, "d", (Path("/p.toml"),), grants(text))


def wanted(*requests: str) -> list[tuple[str, CanonicalUrl]]:
    return [(method, parse_lenient(url)) for method, url in (request.split(" ") for request in requests)]


def pasted(text: str, proposal: Proposal | None) -> Policy:
    """The policy with these lines in it, as somebody would put them there."""
    assert proposal is not None
    if proposal.grant is None:
        return policy_of(
            f"{text}\n{proposal.text}\n" if "[secret" not in text else _before_secrets(text, proposal.text)
        )
    lines = text.splitlines()
    for line in proposal.lines:
        key = line.partition(" ")[0]
        places = [
            number for number, each in enumerate(lines) if each.startswith(f"{key} =") and number >= proposal.grant.line
        ]
        if places:
            lines[places[0]] = line
        else:
            lines.insert(proposal.grant.line, line)
    return policy_of("\n".join(lines))


def _before_secrets(text: str, lines: str) -> str:
    head, mark, tail = text.partition("[secret")
    return f"{head}\n{lines}\n{mark}{tail}"


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "version = 1\n",
        CHAT,
        CHAT.replace('network = "public"', "enabled = false"),
        policy_text(grant(name="api.example.com", destinations='["https://api.example.com/other/"]')),
        policy_text(grant(name="a", pages='["https://other.example.com"]', network='"private"')),
        policy_text(grant(name="a", destinations='["http://10.0.0.1/"]', network='"private"')),
    ],
)
@pytest.mark.parametrize(
    "request_",
    [
        "DELETE https://api.example.com/v1/chat",
        "GET https://api.example.com/v2/chat?x=1",
        "POST https://elsewhere.example.com/",
        "GET http://127.0.0.1:8000/a/b",
        "GET http://10.0.0.1:8000/a/b",
        "GET http://100.64.0.1/a",
        "GET https://api.example.com/v1/%2e%2e%2fx",
        "GET https://api.example.com/v1/*/x",
    ],
)
def test_whatever_is_proposed_allows_it_once_it_is_pasted(text: str, request_: str, private: bool) -> None:
    policy, asked = policy_of(text), wanted(request_)
    (method, url) = asked[0]
    proposal = propose(policy, Asking(PAGE, private=private), asked)

    changed = pasted(text, proposal)
    assert decide(changed.grants, PAGE.origin, private=private, method=method, url=url.href).method == method
    assert len({each.name for each in changed.grants}) == len(changed.grants)


def test_a_grant_of_the_page_for_that_server_is_carried_over_with_its_secret_and_its_way() -> None:
    text = CHAT.replace('network = "public"', 'network = "private"\nproxy = "http://proxy.test:3128"\nca_file = "/ca"')
    proposal = propose(policy_of(text), Asking(PAGE), wanted("GET https://api.example.com/v2/x"))

    assert proposal is not None
    assert proposal.lines[2:] == (
        'pages = ["https://chat.example.com"]',
        'destinations = ["https://api.example.com/v2/"]',
        'methods = ["GET"]',
        'network = "private"',
        'proxy = "http://proxy.test:3128"',
        'ca_file = "/ca"',
        'inject = { Authorization = "Bearer {secret:key}" }',
    )
    (_, added) = pasted(text, proposal).grants
    assert [source.name for source in added.secrets] == ["key"]


def test_a_secret_of_other_pages_is_named_and_not_given_away() -> None:
    proposal = propose(policy_of(CHAT), Asking(OTHER_PAGE), wanted("GET https://api.example.com/v1/x"))

    assert proposal is not None
    assert "{secret:" not in proposal.text
    assert proposal.lines[-1] == '# the grant "chat" injects a secret there, for other pages'
    assert pasted(CHAT, proposal).grants[-1].secrets == ()


def test_a_value_without_a_secret_is_not_repeated() -> None:
    text = policy_text(grant('inject = { X-Api-Key = "sk-live-0123456789" }'))
    proposal = propose(policy_of(text), Asking(PAGE), wanted("GET https://api.example.com/v2/x"))

    assert proposal is not None
    assert "sk-live" not in proposal.text
    assert 'see what else the grant "g" injects' in proposal.text


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ("patch https://api.example.com/v1/x", 'write "PATCH"'),
        ("GET http://169.254.169.254/latest", "no grant can open"),
        ("GET http://[fe80::1]/", "no grant can open"),
    ],
)
def test_nothing_is_proposed_where_nothing_would_help(request_: str, says: str) -> None:
    asked = wanted(request_)

    assert propose(policy_of(CHAT), Asking(PAGE), asked) is None
    assert says in (hopeless(*asked[0]) or "")
