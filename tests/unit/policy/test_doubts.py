"""What a valid file cannot mean: each is a warning at its place, and says what to write."""

from pathlib import Path

import pytest

from longwire.addresses import admits, parse_address
from longwire.policy.doubts import out_of_reach
from longwire.policy.loading import parse_policy
from longwire.policy.problems import Problem
from tests.unit.policy.samples import CHAT, grant, policy_text

DESTINATION = "line 5, field grant[0].destinations[0]: "


def doubts(text: str) -> tuple[Problem, ...]:
    document = parse_policy(text.encode(), Path("p"), "user")
    assert document.problems == ()
    return document.warnings


@pytest.mark.parametrize(
    ("host", "network", "says"),
    [
        ("127.0.0.1", "public", 'is a loopback address, which network = "public" does not reach'),
        ("[::1]", "private", 'network = "loopback"'),
        ("api.localhost", "public", "is this machine"),
        ("10.1.2.3", "public", 'write network = "private"'),
        ("100.64.0.1", "public", 'write network = "private"'),
        ("10.1.2.3", "loopback", 'write network = "private"'),
        ("1.1.1.1", "private", 'write network = "public"'),
        ("169.254.169.254", "public", "no grant can open"),
        ("169.254.1.1", "private", "no grant can open"),
        ("[fe80::1]", "private", "no grant can open"),
    ],
)
def test_an_address_that_the_grants_network_does_not_reach(host: str, network: str, says: str) -> None:
    (doubt,) = doubts(policy_text(grant(destinations=f'["https://{host}/"]', network=f'"{network}"')))

    assert str(doubt).startswith(DESTINATION)
    assert says in doubt.text
    assert doubt.blocks


@pytest.mark.parametrize("network", ["public", "private", "loopback"])
def test_what_is_said_of_an_address_is_what_the_guard_says(network: str) -> None:
    for host in ("127.0.0.1", "10.0.0.1", "100.100.100.200", "8.8.8.8", "::1", "fc00::1", "2606:4700::1111"):
        address = parse_address(host)
        assert address is not None
        assert (out_of_reach(host, network) is None) is admits(network, address)  # type: ignore[arg-type]


def test_a_name_is_for_the_resolver_to_judge() -> None:
    assert doubts(policy_text(grant(destinations='["https://intranet.example.com/", "https://*.example.com/"]'))) == ()


def test_a_star_in_a_path_is_no_wildcard() -> None:
    (doubt,) = doubts(policy_text(grant(destinations='["https://api.example.com/v1/*"]')))

    assert str(doubt).startswith(DESTINATION)
    assert doubt.text.endswith('write "https://api.example.com/v1/"')
    assert doubt.blocks


@pytest.mark.parametrize(("methods", "blocks"), [('["ANY"]', True), ('["GET", "all"]', False)])
def test_a_method_that_people_take_for_a_wildcard(methods: str, blocks: bool) -> None:
    (doubt,) = doubts(policy_text(grant(methods=methods)))

    assert "is no wildcard" in str(doubt)
    assert doubt.blocks is blocks


def test_a_secret_that_goes_over_the_internet_in_the_open() -> None:
    (doubt,) = doubts(CHAT.replace("https://api", "http://api"))

    assert "takes the secret over http" in str(doubt)
    assert not doubt.blocks
    assert doubts(CHAT) == ()
    (elsewhere,) = doubts(CHAT.replace("https://api.example.com", "http://127.0.0.1"))
    assert "is a loopback address" in str(elsewhere)
    # Inside, and on this machine, servers without TLS are common.
    inside = CHAT.replace("https://api.example.com", "http://10.0.0.1").replace('"public"', '"private"')
    assert doubts(inside) == ()


def test_a_policy_without_a_grant() -> None:
    assert [str(doubt) for doubt in doubts("version = 1\n")] == ["it has no [[grant]], so it opens nothing"]
