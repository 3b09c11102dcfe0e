"""When a suspension holds: for which pages, by which grants, and until what changes."""

from dataclasses import replace
from pathlib import Path

import pytest

from longwire.policy.grants import Grant
from longwire.policy.policy import Policy
from longwire.policy.suspension_file import SuspensionFile
from longwire.policy.suspensions import Suspension, Suspensions, suspend
from longwire.policy.urls import CanonicalUrl, parse_origin
from longwire.protocol.records import Page, PolicyState
from tests.unit.policy.samples import grant, grants, policy_text, provider

PAGES = '["https://*.example.com", "https://chat.example.com", "https://other.org"]'
INJECT = '{ Authorization = "Bearer {secret:key}" }'
SECRETS = '[secret.key]\nenv = "K"\n[secret.same]\nenv = "K"\n[secret.third]\nenv = "L"\n'


def origin(text: str) -> CanonicalUrl:
    parsed = parse_origin(text)
    assert parsed is not None
    return parsed


def policy(*parts: str) -> Policy:
    return Policy(PolicyState.OK, "d", grants=grants(policy_text(*parts, SECRETS)))


BREACHED = grant(pages=PAGES, inject=INJECT)
SAME_PLACE = grant(name="h", pages='["https://*.example.com"]', inject='{ X-Key = "{secret:same}" }')
OTHER_SECRET = grant(name="i", pages=PAGES, inject='{ X-Key = "{secret:third}" }')
IN_FORCE = policy(BREACHED, SAME_PLACE, OTHER_SECRET)


def hit(of: Grant, page: str, *, private: bool = False) -> Suspension:
    return suspend(of, of.secrets[0], origin(page), private=private)


def stands(suspensions: Suspensions, by: Policy, name: str, page: str) -> bool:
    (asked,) = [each for each in by.grants if each.name == name]
    return suspensions.standing_against(by, asked.secrets, origin(page)) is not None


def test_it_holds_for_the_entry_that_the_page_was_granted_by_and_for_all_that_it_matches() -> None:
    suspensions = Suspensions()
    suspensions.hit([hit(IN_FORCE.grants[0], "https://chat.example.com")])
    assert suspensions.all[0].page == "https://*.example.com"
    assert stands(suspensions, IN_FORCE, "g", "https://next.example.com")
    assert stands(suspensions, IN_FORCE, "h", "https://chat.example.com")
    assert not stands(suspensions, IN_FORCE, "g", "https://other.org")
    assert not stands(suspensions, IN_FORCE, "i", "https://chat.example.com")


@pytest.mark.parametrize(
    ("change", "lifts"),
    [
        (lambda text: text, False),
        (lambda text: "# a comment\n\n" + text, False),
        (lambda text: text.replace('methods = ["GET", "POST"]', 'methods = ["GET"]'), True),
        (lambda text: text.replace("Bearer {secret", "Token {secret"), True),
        (lambda text: text.replace("{secret:key}", "{secret:third}"), True),
        (lambda text: text.replace('"https://chat.example.com", ', ""), True),
        (lambda text: f"{text}reflection_guard = false\n", True),
        (lambda text: f"{text}ranges = false\n", False),
        (lambda text: text.replace('name = "g"', 'name = "k"'), True),
    ],
)
def test_it_holds_as_long_as_its_grant_is_what_it_was(change: object, lifts: bool) -> None:
    assert callable(change)
    suspensions = Suspensions()
    suspensions.hit([hit(IN_FORCE.grants[0], "https://other.org")])
    changed = policy(change(BREACHED), SAME_PLACE)
    assert bool(suspensions.in_force(changed)) is not lifts
    moved = Policy(PolicyState.OK, "d", grants=grants(policy_text(BREACHED, SECRETS.replace('"K"', '"M"'))))
    assert suspensions.in_force(moved) == []


def test_what_one_process_writes_the_others_read_and_what_is_released_is_let_go_everywhere(tmp_path: Path) -> None:
    file = SuspensionFile(tmp_path / "state" / "suspended.json")
    first, second = Suspensions(file), Suspensions(file)
    told: list[str] = []
    second.watch(lambda: told.append("changed"))
    found = hit(IN_FORCE.grants[0], "https://other.org")
    first.hit([found])
    assert first.save(first.unsaved) is None
    first.saved(first.unsaved)
    second.refresh()
    assert (first.all, second.all, first.unsaved, told) == ((found,), (found,), (), ["changed"])
    # Found again it is the same, at whatever time.
    second.hit([hit(IN_FORCE.grants[0], "https://other.org")])
    assert second.unsaved == ()
    assert file.release("g") == [found]
    for each in (first, second):
        each.refresh()
        assert each.all == ()


def test_what_was_released_while_it_was_written_stays_released(tmp_path: Path) -> None:
    file = SuspensionFile(tmp_path / "suspended.json")
    suspensions = Suspensions(file)
    suspensions.hit([hit(IN_FORCE.grants[0], "https://other.org")])
    pending = suspensions.unsaved
    assert suspensions.save(pending) is None
    file.release("g")
    suspensions.saved(pending)
    assert (suspensions.all, suspensions.unsaved) == ((), ())


def test_whoever_holds_the_lock_for_too_long_is_not_waited_for(tmp_path: Path) -> None:
    from longwire.storage.lock import exclusive

    suspensions = Suspensions(SuspensionFile(tmp_path / "suspended.json"))
    suspensions.hit([hit(IN_FORCE.grants[0], "https://other.org")])
    with exclusive(tmp_path):
        problem = suspensions.save(suspensions.unsaved)
    assert problem is not None
    assert "another process holds the lock" in problem.what
    assert stands(suspensions, IN_FORCE, "g", "https://other.org")


PROVIDERS = (
    provider(name="one", kind='"openai"', secret='"key"'),
    provider(name="two", base_url='"https://m.example.com"', secret='"same"'),
    provider(name="three", secret='"third"'),
    provider(name="four"),
)
GENERATING = grant(name="gen", pages=PAGES, generate='["one", "four"]')
ALSO = grant(name="also", pages=PAGES, generate='["two", "three"]')
WITH_PROVIDERS = policy(GENERATING, ALSO, *PROVIDERS, SAME_PLACE, OTHER_SECRET)


def asked_by(by: Policy, name: str, page: str) -> Grant:
    """What a generation of that page with that provider goes by."""
    ask = Page(origin=page, tab=0, frame=0, document="", private=False)
    decision = by.decide_generation(ask, name)
    return decision.grant.for_provider(decision.provider, "Authorization", "Bearer ", "/responses")


def test_a_providers_secret_is_suspended_for_all_that_has_it_in_whichever_way() -> None:
    chat = "https://chat.example.com"
    suspensions = Suspensions()
    suspensions.hit([hit(asked_by(WITH_PROVIDERS, "one", chat), chat)])
    (found,) = suspensions.all
    assert (found.grant, found.page, found.secret) == ("gen", "https://*.example.com", "key")
    assert found.release_command == "longwire policy release gen"

    def held(name: str, page: str) -> bool:
        return (
            suspensions.standing_against(WITH_PROVIDERS, asked_by(WITH_PROVIDERS, name, page).secrets, origin(page))
            is not None
        )

    # Another provider of another grant with the same secret, and plain requests with it; nothing else.
    assert [held(name, chat) for name in ("one", "two", "three", "four")] == [True, True, False, False]
    assert stands(suspensions, WITH_PROVIDERS, "h", chat)
    assert not stands(suspensions, WITH_PROVIDERS, "i", chat)
    assert [held(name, "https://other.org") for name in ("one", "two")] == [False, False]


def test_a_secret_that_a_request_gave_away_is_suspended_for_generation() -> None:
    chat = "https://chat.example.com"
    by = policy(BREACHED, GENERATING, *PROVIDERS, ALSO)
    suspensions = Suspensions()
    suspensions.hit([hit(by.grants[0], chat)])

    asked = asked_by(by, "one", chat)
    assert suspensions.standing_against(by, asked.secrets, origin(chat)) is not None
    assert suspensions.standing_against(by, asked_by(by, "three", chat).secrets, origin(chat)) is None


def test_the_console_is_a_page_like_any_other_to_it() -> None:
    by = replace(
        policy(grant(name="gen", pages='["longwire:terminal"]', generate='["one"]'), *PROVIDERS), at_console=True
    )
    console = "longwire:terminal"
    suspensions = Suspensions()
    asked = asked_by(by, "one", console)
    suspensions.hit([hit(asked, console)])

    assert suspensions.all[0].page == console
    assert suspensions.standing_against(by, asked.secrets, origin(console)) is not None


@pytest.mark.parametrize(
    ("old", "new", "lifts"),
    [
        ("[[grant]]", "# moved\n\n[[grant]]", False),
        ('models = ["m"]', 'models = ["m", "n"]', True),
        ('generate = ["one", "four"]', 'generate = ["one"]', True),
        ('name = "three"', 'name = "three"\nmax_input = "1kB"', False),
        ('env = "K"', 'env = "M"', True),
    ],
)
def test_it_holds_as_long_as_the_grant_and_its_providers_are_what_they_were(old: str, new: str, lifts: bool) -> None:
    chat = "https://chat.example.com"
    suspensions = Suspensions()
    suspensions.hit([hit(asked_by(WITH_PROVIDERS, "one", chat), chat)])
    text = policy_text(GENERATING, ALSO, *PROVIDERS, SAME_PLACE, OTHER_SECRET, SECRETS)
    assert old in text

    assert (
        bool(suspensions.in_force(Policy(PolicyState.OK, "d", grants=grants(text.replace(old, new, 1))))) is not lifts
    )
