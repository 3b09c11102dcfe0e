"""Which page may generate with which provider and model; and what a refusal says, to the page and to others."""

from dataclasses import replace
from pathlib import Path

import pytest

from longwire.policy import GenerationDecision, Locations, Policy, PolicyDeniedError, PolicyStore
from longwire.policy.generation_proposals import propose_generation
from longwire.policy.live_policy import LivePolicy
from longwire.policy.loading import parse_policy
from longwire.policy.matching import PagePattern
from longwire.policy.proposals import Asking
from longwire.policy.urls import parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import PolicyState
from tests.unit.policy.samples import grant, owned_lstat, page, policy_text, provider

CHAT, OTHER, CONSOLE = "https://chat.example.com", "https://other.example.org", "longwire:terminal"


def generating(*lines: str, name: str = "g", pages: str = f'["{CHAT}"]', generate: str = '["p"]') -> str:
    """A grant that opens nothing else."""
    return "\n".join(["[[grant]]", f'name = "{name}"', f"pages = {pages}", f"generate = {generate}", *lines, ""])


def policy(*parts: str) -> Policy:
    document = parse_policy(policy_text(*parts).encode(), Path("policy.toml"), "user")
    assert document.problems == (), [str(problem) for problem in document.problems]
    return Policy(PolicyState.OK, "d", (document.path,), document.grants, providers=document.providers)


def refused(by: Policy, provider: str, model: str | None = None, *, origin: str = CHAT, private: bool = False) -> str:
    """What the page reads."""
    with pytest.raises(PolicyDeniedError) as caught:
        by.decide_generation(page(origin, private=private), provider, model)
    assert (caught.value.code, caught.value.phase, caught.value.retryable) == (
        ErrorCode.POLICY_DENIED,
        Phase.POLICY,
        False,
    )
    return caught.value.text


def nearest(by: Policy, provider: str, *, origin: str = CHAT, private: bool = False) -> tuple[str, ...]:
    with pytest.raises(PolicyDeniedError) as caught:
        by.decide_generation(page(origin, private=private), provider)
    found = caught.value.nearest
    assert found is not None
    return (found.grant.name, *found.differences)


def test_the_first_grant_in_file_order_that_names_page_and_provider_decides() -> None:
    by = policy(
        grant(name="requests"),
        generating(name="off", generate='["p"]') + "enabled = false\n",
        generating(name="wide", pages='["https://*.example.com"]', generate='["q"]'),
        generating(name="first", pages='["https://x.org", "https://*.example.com"]', generate='["q", "p"]'),
        generating(name="second"),
        provider(models='["m*", "n"]'),
        provider(name="q"),
    )

    assert by.decide_generation(page(), "p") == GenerationDecision(
        by.grants[3], by.providers[0], "n", "https://*.example.com"
    )
    assert by.decide_generation(page(), "q", "m").grant.name == "wide"
    assert by.decide_generation(page(), "p", "m-2").model == "m-2"
    assert by.providers_for(CHAT) == [("q", ("m",)), ("p", ("m*", "n"))]


def test_a_private_window_needs_a_grant_that_says_so() -> None:
    by = policy(
        generating(name="open"),
        generating("private_windows = true", name="private", generate='["q"]'),
        provider(),
        provider(name="q"),
    )

    assert by.decide_generation(page(private=True), "q").grant.name == "private"
    assert by.providers_for(CHAT, private=True) == [("q", ("m",))]
    message = refused(by, "p", private=True)
    assert message.endswith('The policy would need private_windows = true in the grant "open"')


def test_a_page_is_told_what_its_own_grants_lack_and_nothing_of_others() -> None:
    by = policy(
        generating(name="mine", generate='["p", "q"]'),
        generating(name="secret-project", pages=f'["{OTHER}"]', generate='["hidden"]'),
        provider(),
        provider(name="q"),
        provider(name="hidden", base_url='"https://inside.example.net"', models='["hidden-model"]'),
    )

    assert refused(by, "hidden") == (
        f'no grant of the policy lets {CHAT} generate with the provider "hidden"; it may with p, q. The policy would '
        'need generate = ["p", "q", "hidden"] in the grant "mine"'
    )
    # Whether a provider exists it does not learn.
    assert refused(by, "nobody") == refused(by, "hidden").replace("hidden", "nobody")
    assert refused(by, "p", origin="https://third.org") == (
        'no grant of the policy lets https://third.org generate with the provider "p". The policy would need a '
        '[[grant]] with pages = ["https://third.org"], generate = ["p"]'
    )
    for message in (refused(by, "q", "x"), refused(by, "hidden", "hidden-model"), refused(by, "p", origin=OTHER)):
        assert "inside.example.net" not in message
    assert "secret-project" not in refused(by, "hidden")


def test_the_administrator_is_told_which_grant_came_nearest() -> None:
    by = policy(
        grant(name="requests"),
        generating(name="mine"),
        generating("enabled = false", name="off", generate='["q"]'),
        generating(name="others", pages=f'["{OTHER}"]', generate='["r"]'),
        *(provider(name=name) for name in "pqr"),
    )

    assert nearest(by, "q") == ("off", "it says enabled = false")
    assert nearest(by, "x") == ("mine", "its providers are p")
    assert nearest(by, "r", origin="https://third.org") == ("others", f"it is for other pages ({OTHER})")
    assert nearest(by, "p", private=True) == ("mine", "it does not say private_windows = true")


def test_a_model_that_the_provider_does_not_have_is_refused_with_those_it_has() -> None:
    by = policy(generating(), provider(models='["gpt-5*", "o4-mini"]'))

    assert refused(by, "p", "gpt-4") == (
        'the provider "p" has no model "gpt-4" in the policy: it has gpt-5*, o4-mini. Ask for one of those, or let the '
        "policy name it in models"
    )
    # What a page asks for is shown on one line, and not at any length.
    assert len(refused(by, "p", "x" * 200)) < 300
    assert "\n" not in refused(by, "p", 'gpt"\n-4')


def test_where_no_model_is_asked_for_there_must_be_one_in_full() -> None:
    assert "names no model in full" in refused(policy(generating(), provider(models='["gpt-5*"]')), "p")


def test_under_a_limit_of_the_cost_a_model_without_a_price_is_refused() -> None:
    by = policy(
        generating(),
        provider(
            models='["m", "priced*"]',
            prices='{ "priced*" = { input = "1 USD/1M", output = "2 USD/1M" } }',
            limits='{ cost = "5 USD/day" }',
        ),
    )

    assert by.decide_generation(page(), "p", "priced-2").model == "priced-2"
    without = 'the provider "p" has a limit of the cost, and no price for the model "m". '
    assert refused(by, "p", "m") == refused(by, "p") == f"{without}The policy would need one in its prices"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"state": PolicyState.MISSING, "grants": ()}, ErrorCode.POLICY_DENIED, "there is no policy file"),
        ({"switched_off": Path("/p")}, ErrorCode.POLICY_DENIED, "Longwire is switched off"),
    ],
)
def test_nothing_is_open_where_nothing_is(change: dict[str, object], code: ErrorCode, says: str) -> None:
    closed = replace(policy(generating(), provider()), **change)  # type: ignore[arg-type]
    with pytest.raises(StreamError, match=says) as caught:
        closed.decide_generation(page(), "p")
    assert caught.value.code is code
    assert closed.providers_for(CHAT) == []


def test_a_file_that_cannot_be_used_closes_generation_too(tmp_path: Path) -> None:
    places = Locations(tmp_path / "none" / "policy.toml", tmp_path / "policy.toml")
    places.user.write_text(policy_text(generating(generate='["x"]'), provider()))
    by = PolicyStore(places, lstat=owned_lstat()).current()
    with pytest.raises(StreamError, match=r"line 5, field grant\[0\].generate\[0\]") as caught:
        by.decide_generation(page(), "p")
    assert caught.value.code is ErrorCode.POLICY_INVALID


@pytest.mark.parametrize("origin", ["null", "file://", "about:blank", "longwire:terminal", "longwire:x", CHAT + "/"])
def test_what_no_browser_attests_of_a_page_has_no_grant(origin: str) -> None:
    by = policy(generating(pages=f'["{CHAT}", "{CONSOLE}"]'), provider())

    assert "can have no grant" in refused(by, "p", origin=origin)
    assert by.providers_for(origin) == []


def test_a_grant_may_name_the_console_which_is_a_page_for_commands_alone() -> None:
    by = policy(generating(pages=f'["{CHAT}", "{CONSOLE}"]'), grant(name="both", pages=f'["{CONSOLE}"]'), provider())
    at_console = replace(by, at_console=True)
    decision = at_console.decide_generation(page(CONSOLE), "p")

    assert (decision.entry, decision.grant.name) == (CONSOLE, "g")
    assert at_console.providers_for(CONSOLE) == [("p", ("m",))]
    # No browser hears of it, and none can be it: not even where its extension says so.
    assert by.summary().pages == [CHAT]
    for ask in (
        lambda: by.decide_generation(page(CONSOLE), "p"),
        lambda: by.decide(page(CONSOLE), "GET", "https://api.example.com/v1/"),
    ):
        with pytest.raises(PolicyDeniedError, match="can have no grant"):
            ask()
    assert (by.destinations_for(CONSOLE), by.closed_to(CONSOLE)) == ([], None)
    # And it is no other page.
    wide = policy(generating(pages='["https://*.example.com", "http://127.0.0.1:*"]'), provider())
    assert "would need a [[grant]]" in refused(replace(wide, at_console=True), "p", origin=CONSOLE)


@pytest.mark.parametrize("at_console", [True, False])
async def test_only_a_process_that_was_started_at_a_console_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_console: bool
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "longwire").mkdir()
    (tmp_path / "longwire" / "policy.toml").write_text(policy_text(generating(pages=f'["{CONSOLE}"]'), provider()))
    live = LivePolicy(at_console=at_console) if at_console else LivePolicy()
    by = await live.settled()

    if at_console:
        assert by.decide_generation(page(CONSOLE), "p").entry == CONSOLE
    else:
        assert "can have no grant" in refused(by, "p", origin=CONSOLE)


@pytest.mark.parametrize(
    "text", ["longwire:", "longwire:Terminal", "LONGWIRE:terminal", "longwire://terminal", "longwire:terminal/"]
)
def test_the_consoles_page_is_written_one_way(text: str) -> None:
    with pytest.raises(ValueError, match='Longwire\'s own page is "longwire:terminal"'):
        PagePattern.parse(text)


def test_a_page_that_may_only_generate_is_not_told_that_nothing_is_open() -> None:
    by = policy(generating(), generating("enabled = false", name="off", pages=f'["{OTHER}"]'), provider())

    assert (by.closed_to(CHAT), by.destinations_for(CHAT)) == (None, [])
    assert by.closed_to(OTHER) == 'the grant "off" names this page, and says enabled = false'
    assert "not in private windows" in (by.closed_to(CHAT, private=True) or "")


def test_a_request_is_not_allowed_by_what_lets_a_page_generate() -> None:
    by = policy(generating(), provider(base_url='"https://m.example.com"'))
    with pytest.raises(PolicyDeniedError, match="it has no destinations") as caught:
        by.decide(page(), "POST", "https://m.example.com/api/chat")
    assert caught.value.nearest is not None
    assert caught.value.nearest.changes == ()


def both(places: Locations, administrators: str, users: str) -> Policy:
    places.administrator.parent.mkdir()
    places.administrator.write_text(administrators)
    places.user.parent.mkdir()
    places.user.write_text(users)
    return PolicyStore(places, lstat=owned_lstat()).current()


@pytest.fixture
def places(tmp_path: Path) -> Locations:
    return Locations(tmp_path / "etc" / "policy.toml", tmp_path / "home" / "policy.toml")


KEY = '[secret.key]\nenv = "{}"\n'


def test_a_users_grant_asks_the_users_provider_though_the_administrators_has_that_name(places: Locations) -> None:
    by = both(
        places,
        policy_text(
            "user_grants = true\n",
            generating(name="theirs", pages=f'["{OTHER}"]'),
            provider('secret = "key"', models='["dear"]'),
            KEY.format("THEIRS"),
        ),
        policy_text(generating(name="mine"), provider('secret = "key"', models='["mine"]'), KEY.format("MINE")),
    )
    mine, theirs = (by.decide_generation(page(origin), "p").provider for origin in (CHAT, OTHER))

    assert mine.secret is not None
    assert theirs.secret is not None
    assert (mine.source, mine.models, mine.secret.where) == ("user", ("mine",), "MINE")
    assert (theirs.source, theirs.models, theirs.secret.where) == ("administrator", ("dear",), "THEIRS")
    assert [each.source for each in by.providers] == ["administrator", "user"]


def test_a_users_file_cannot_name_a_provider_of_the_administrators(places: Locations) -> None:
    by = both(
        places,
        policy_text("user_grants = true\n", generating(name="theirs", pages=f'["{OTHER}"]'), provider()),
        policy_text(generating(name="mine")),
    )

    assert by.state is PolicyState.INVALID
    assert "this file has no [[provider]] of the name p; those of another file do not count" in str(by.problem)


def proposed(by: Policy, *names: str, origin: str = CHAT, private: bool = False) -> str | None:
    parsed = parse_origin(origin)
    assert parsed is not None
    proposal = propose_generation(by, Asking(parsed, private=private), names)
    return None if proposal is None else proposal.text


def test_the_lines_that_would_allow_it_are_those_of_a_grant_that_is_nearly_there_or_a_new_one() -> None:
    by = policy(
        grant(name="requests"),
        generating(name="mine"),
        generating("enabled = false", name="off", pages=f'["{OTHER}"]'),
        provider(),
        provider(name="q"),
    )

    assert proposed(by, "q") == 'generate = ["p", "q"]'
    assert proposed(by, "q", private=True) == 'generate = ["p", "q"]\nprivate_windows = true'
    assert proposed(by, "p", origin=OTHER) == "enabled = true"
    assert proposed(by, "p", origin="https://third.org") == (
        '[[grant]]\nname = "generate-third.org"\npages = ["https://third.org"]\ngenerate = ["p"]'
    )
    assert proposed(by, "p", origin=CONSOLE) == (
        '[[grant]]\nname = "generate-terminal"\npages = ["longwire:terminal"]\ngenerate = ["p"]'
    )
    assert proposed(by, "p", "q", origin="https://third.org:8443") == (
        '[[grant]]\nname = "generate-third.org"\npages = ["https://third.org:8443"]\ngenerate = ["p", "q"]'
    )
    assert proposed(by, "unknown") is None
    assert proposed(by, "p", "unknown") is None


def test_what_is_proposed_is_of_the_providers_own_file(places: Locations) -> None:
    by = both(
        places,
        policy_text("user_grants = true\n", generating(name="theirs"), provider()),
        policy_text(generating(name="mine", generate='["q"]'), provider(name="q"), provider(name="r")),
    )
    origin = parse_origin(CHAT)
    assert origin is not None
    proposal = propose_generation(by, Asking(origin), ["r"])

    assert proposal is not None
    assert (proposal.text, proposal.file) == ('generate = ["q", "r"]', places.user)
    assert proposal.grant is not None
    assert proposal.grant.name == "mine"
