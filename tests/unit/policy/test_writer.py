"""The writer has grants of its own: no script of a page gets one, and the writer gets none of a page's."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.policy import GrantLimits, Locations, Policy, PolicyDeniedError, PolicyStore
from longwire.policy.budgets import key_of
from longwire.policy.grants import Grant
from longwire.policy.loading import PolicyDocument, parse_policy
from longwire.policy.matching import DestinationPattern, PagePattern
from longwire.policy.proposals import Asking, Proposal, propose
from longwire.policy.secrets import SecretSource
from longwire.policy.suggestions import suggest
from longwire.policy.suspensions import Suspensions, suspend
from longwire.policy.urls import parse_lenient, parse_origin
from longwire.protocol.errors import StreamError
from longwire.protocol.records import Page, PolicyState, Principal
from tests.unit.policy.samples import grant, owned_lstat, page, policy_text, provider

CODE, OTHER = "https://code.example.com", "https://other.example.com"
API = "https://api.example.com/v1/x"
WRITER = f'[writer]\npages = ["{CODE}"]\n'
GENERATING = '[[grant]]\nname = "{name}"\nprincipal = "writer"\npages = ["{page}"]\ngenerate = ["p"]\n'


def writers(*lines: str, name: str = "w", pages: str = f'["{CODE}"]', **keys: str) -> str:
    return grant('principal = "writer"', *lines, name=name, pages=pages, **keys)


def writer(origin: str = CODE, *, private: bool = False) -> Page:
    return Page(origin=origin, tab=1, frame=0, document="d", private=private, principal="writer")


def document(text: str, source: str = "user") -> PolicyDocument:
    read = parse_policy(text.encode(), Path("policy.toml"), "administrator" if source == "administrator" else "user")
    assert read.problems == (), [str(problem) for problem in read.problems]
    return read


def policy(*parts: str) -> Policy:
    read = document(policy_text(*parts))
    return Policy(
        PolicyState.OK,
        "d",
        (read.path,),
        read.grants,
        providers=read.providers,
        writer=() if read.writer is None else (read.writer,),
    )


def decided(by: Policy, asking: Page, url: str = API) -> str | None:
    """The grant that allows it; None if none does."""
    try:
        return by.decide(asking, "GET", url).grant.name
    except PolicyDeniedError:
        return None


def refusal(by: Policy, asking: Page) -> PolicyDeniedError:
    with pytest.raises(PolicyDeniedError) as caught:
        by.decide(asking, "GET", API)
    return caught.value


def test_a_grant_of_the_writers_is_for_nobody_else_and_one_of_a_page_not_for_the_writer() -> None:
    both = policy(writers(), grant(name="g", pages=f'["{CODE}"]'), WRITER)
    assert decided(both, writer()) == "w"
    assert decided(both, page(CODE)) == "g"
    assert decided(policy(writers(), WRITER), page(CODE)) is None
    assert decided(policy(grant(pages=f'["{CODE}"]'), WRITER), writer()) is None


def test_the_writer_needs_both_a_grant_that_names_the_page_and_the_writers_pages() -> None:
    pages = f'["{CODE}", "{OTHER}"]'
    assert decided(policy(writers(pages=pages), WRITER), writer()) == "w"
    assert decided(policy(writers(pages=pages), WRITER), writer(OTHER)) is None
    assert decided(policy(writers(), f"[writer]\npages = {pages}\n"), writer(OTHER)) is None
    assert decided(policy(writers()), writer()) is None


def test_a_private_window_needs_its_own_word_from_the_writer_too() -> None:
    assert decided(policy(writers(), WRITER), writer(private=True)) is None
    assert decided(policy(writers("private_windows = true"), WRITER), writer(private=True)) == "w"


def test_providers_and_destinations_are_each_ones_own() -> None:
    by = policy(
        GENERATING.format(name="w", page=CODE),
        grant(name="g", pages=f'["{CODE}"]', generate='["q"]'),
        writers(name="w2", destinations='["https://w.example.com"]'),
        provider(name="p"),
        provider(name="q"),
        WRITER,
    )
    as_writer: Principal = "writer"
    assert by.providers_for(CODE) == [("q", ("m",))]
    assert by.providers_for(CODE, principal=as_writer) == [("p", ("m",))]
    assert by.destinations_for(CODE) == ["https://api.example.com/v1/"]
    assert by.destinations_for(CODE, principal=as_writer) == ["https://w.example.com/"]
    assert by.decide_generation(writer(), "p").grant.name == "w"
    for asking, name in ((page(CODE), "p"), (writer(), "q")):
        with pytest.raises(PolicyDeniedError) as caught:
            by.decide_generation(asking, name)
        other = "q" if name == "p" else "p"
        assert f"it may with {other}." in caught.value.text


def test_the_extension_learns_where_the_writer_has_a_grant_and_puts_no_shim_there_for_it() -> None:
    by = policy(
        writers(pages=f'["{CODE}", "https://*.forge.example.com"]'),
        grant(name="g", pages=f'["{OTHER}"]'),
        f'[writer]\npages = ["{CODE}", "https://a.forge.example.com:443", "https://nobody.example.com", "{OTHER}"]\n',
    )
    assert by.summary().pages == [OTHER]
    assert by.summary().writer == [CODE, "https://a.forge.example.com"]
    off = replace(by, grants=tuple(replace(each, enabled=False) for each in by.grants))
    assert (off.summary().pages, off.summary().writer) == ([], None)
    assert replace(by, switched_off=Path("policy.toml")).summary().writer is None


def test_a_page_is_told_nothing_of_the_writers_grants_and_an_administrator_is() -> None:
    denied = refusal(policy(writers("enabled = false", "private_windows = true"), WRITER), page(CODE))
    assert '"w"' not in denied.text
    assert denied.nearest is not None
    assert denied.nearest.describe() == 'grant "w": it is the writer\'s alone; it says enabled = false'
    assert policy(writers("enabled = false"), WRITER).closed_to(CODE) is None
    assert policy(writers("enabled = false"), WRITER).closed_to(CODE, principal="writer") is not None


def test_the_writer_reads_what_its_grant_lacks_and_which_lines_it_needs() -> None:
    lacking = refusal(policy(writers(methods='["POST"]'), WRITER), writer())
    assert f"for the writer at {CODE}" in lacking.text
    assert 'nearest is grant "w"' in lacking.text
    none = refusal(policy(grant(pages=f'["{CODE}"]')), writer())
    assert '"g"' not in none.text
    assert f'a [[grant]] with principal = "writer", pages = ["{CODE}"]' in none.text
    assert none.text.endswith(f'and [writer] with pages = ["{CODE}"]')


def test_a_file_says_where_its_own_grants_are_the_writers_and_nothing_of_the_other_files() -> None:
    """Else a line in the user's file would take the administrator's secret to another page."""

    def combined(administrator: str, user: str) -> Policy:
        read = [document(administrator, "administrator"), document(user)]
        return Policy(PolicyState.OK, "d", grants=tuple(each for one in read for each in one.grants))

    wide = f'["{CODE}", "{OTHER}"]'
    own = policy_text(writers(name="admin", pages=wide), WRITER)
    theirs = policy_text(writers(name="user", pages=wide), f'[writer]\npages = ["{OTHER}"]\n')
    both = combined(own, theirs)
    assert decided(both, writer(CODE)) == "admin"
    assert decided(both, writer(OTHER)) == "user"
    assert both.summary().writer == [CODE, OTHER]
    assert decided(combined(own, policy_text(f'[writer]\npages = ["{OTHER}"]\n')), writer(OTHER)) is None
    assert decided(combined(policy_text(WRITER), policy_text(writers(name="user"))), writer(CODE)) is None


# --- whatever the policy -----------------------------------------------------------------------------------------

PATTERNS = (CODE, OTHER, "https://*.example.com", "https://code.example.com:*", "http://localhost:*")
TARGETS = ("https://api.example.com/v1/", "https://api.example.com", "https://else.example.org")
PRINCIPALS: tuple[Principal, ...] = ("page", "writer")
some_pages = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3).map(
    lambda texts: tuple(PagePattern.parse(text) for text in texts)
)


@st.composite
def some_grants(draw: st.DrawFn) -> tuple[Grant, ...]:
    writers_pages = draw(some_pages)
    return tuple(
        Grant(
            name=f"g{number}",
            pages=draw(some_pages),
            destinations=(DestinationPattern.parse(draw(st.sampled_from(TARGETS))),),
            methods=("GET",),
            enabled=draw(st.booleans()),
            private_windows=draw(st.booleans()),
            limits=GrantLimits(),
            principal=(principal := draw(st.sampled_from(PRINCIPALS))),
            writer_pages=writers_pages if principal == "writer" else (),
        )
        for number in range(draw(st.integers(0, 6)))
    )


def told(grants: tuple[Grant, ...], asking: Page) -> tuple[object, ...]:
    """All that it can learn."""
    by = Policy(PolicyState.OK, "d", grants=grants)
    principal = asking.asks_as
    try:
        answer: object = by.decide(asking, "GET", API).grant
    except StreamError as error:
        answer = error.text
    return (
        answer,
        by.destinations_for(asking.origin, private=asking.private, principal=principal),
        by.closed_to(asking.origin, private=asking.private, principal=principal),
    )


@settings(max_examples=300, deadline=None)
@given(some_grants(), st.sampled_from((CODE, OTHER, "http://localhost:5173")), st.booleans())
def test_no_page_has_or_learns_anything_of_the_writers_and_the_writer_nothing_of_pages(
    grants: tuple[Grant, ...], origin: str, private: bool
) -> None:
    for asking in (page(origin, private=private), writer(origin, private=private)):
        own = tuple(each for each in grants if each.principal == asking.asks_as)
        assert told(grants, asking) == told(own, asking)
    pages_alone = tuple(each for each in grants if each.principal == "page")
    alone = Policy(PolicyState.OK, "d", grants=pages_alone).summary()
    assert Policy(PolicyState.OK, "d", grants=grants).summary().pages == alone.pages


# --- what is kept for a page is not the writer's -----------------------------------------------------------------


def test_the_writer_shares_neither_budget_nor_name_with_a_page() -> None:
    (by,) = policy(provider(), grant(generate='["p"]')).providers
    assert key_of(by, CODE, "page") != key_of(by, CODE, "writer")
    assert key_of(by, CODE, "page").pages == CODE
    askers = {each.asker for each in (page(CODE), writer(), page(CODE, private=True), writer(private=True))}
    assert len(askers) == 4


def test_a_secret_that_came_back_to_one_is_suspended_for_that_one() -> None:
    inject = 'inject = { Authorization = "Bearer {secret:key}" }'
    by = policy(
        writers(inject),
        grant(inject, name="g", pages=f'["{CODE}"]'),
        '[secret.key]\nenv = "LONGWIRE_TEST_KEY"\n',
        WRITER,
    )
    of_writer, of_page = by.grants
    (secret,) = of_page.secrets
    origin = parse_origin(CODE)
    assert origin is not None

    def standing(grant: Grant, source: SecretSource) -> tuple[bool, bool]:
        suspensions = Suspensions()
        suspensions.hit([suspend(grant, source, origin, private=False)])
        against_page = suspensions.standing_against(by, [source], origin)
        return against_page is not None, suspensions.standing_against(by, [source], origin, "writer") is not None

    assert standing(of_page, secret) == (True, False)
    assert standing(of_writer, secret) == (False, True)


def test_a_grants_fingerprint_is_what_it_was_and_whose_it_is_is_part_of_it() -> None:
    plain, spelt, other = (
        document(policy_text(grant(*lines), WRITER)).grants[0]
        for lines in ((), ('principal = "page"',), ('principal = "writer"',))
    )
    assert plain.fingerprint == spelt.fingerprint != other.fingerprint
    assert plain.writer_pages == ()


# --- what is wrong with a file -----------------------------------------------------------------------------------


def warned(*parts: str) -> list[tuple[str, str, bool]]:
    return [(each.field, each.text, each.blocks) for each in document(policy_text(*parts)).warnings]


NOBODY = "no entry of [writer] pages names such a page, so the writer is not there"
NOTHING = 'no grant with principal = "writer" names such a page, so the writer is not there'


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        pytest.param((writers(), WRITER), [], id="fits"),
        pytest.param((writers(pages='["https://*.example.com"]'), WRITER), [], id="overlaps"),
        pytest.param(
            (writers(pages=f'["{CODE}", "{OTHER}"]'), WRITER), [("grant[0].pages[1]", NOBODY, False)], id="partly"
        ),
        pytest.param(
            (writers(pages=f'["{OTHER}"]'), WRITER),
            [("grant[0].pages[0]", NOBODY, True), ("writer.pages[0]", NOTHING, True)],
            id="elsewhere",
        ),
        pytest.param((grant(pages=f'["{CODE}"]'), WRITER), [("writer.pages[0]", NOTHING, True)], id="a page's grant"),
        pytest.param((writers("enabled = false"), WRITER), [("writer.pages[0]", NOTHING, True)], id="switched off"),
        pytest.param(
            (writers(pages=f'["{CODE}", "longwire:terminal"]'), WRITER),
            [("grant[0].pages[1]", NOBODY, False)],
            id="at a terminal",
        ),
    ],
)
def test_a_file_that_says_two_things_of_the_writer_is_warned_of(
    parts: tuple[str, ...], found: list[tuple[str, str, bool]]
) -> None:
    assert warned(*parts) == found


def test_a_grant_for_a_writer_that_is_nowhere_is_warned_of() -> None:
    ((field, text, blocks),) = warned(writers())
    assert (field, blocks) == ("grant[0].principal", True)
    assert "this file has no [writer]" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(policy_text("[writer]"), 'field writer: the key "pages" is missing', id="no pages"),
        pytest.param(policy_text("[writer]\npages = []"), "writer.pages: must have at least 1 entry", id="empty"),
        pytest.param(
            policy_text('[writer]\npages = ["longwire:terminal"]'),
            'the writer is on web pages, as in "https://github.com", and not at a terminal',
            id="terminal",
        ),
        pytest.param(
            policy_text('[writer]\npages = ["https://code.example.com/x"]'), "without a path", id="no page pattern"
        ),
        pytest.param(policy_text('[writer]\npage = ["https://a.example.com"]'), 'did you mean "pages"?', id="unknown"),
        pytest.param(
            policy_text(grant('principal = "owner"')), "grant[0].principal: must be 'page' or 'writer'", id="principal"
        ),
        pytest.param(policy_text('writer = "https://a.example.com"'), "writer: must be a table", id="no table"),
    ],
)
def test_what_is_no_writer_is_a_problem_that_says_what_to_write(text: str, says: str) -> None:
    read = parse_policy(text.encode(), Path("policy.toml"), "user")
    assert any(says in str(problem) for problem in read.problems), [str(each) for each in read.problems]
    assert read.grants == ()


def test_no_grant_is_said_to_be_covered_by_one_of_another_principal(tmp_path: Path) -> None:
    places = Locations(tmp_path / "administrator.toml", tmp_path / "user.toml")
    store = PolicyStore(places, lstat=owned_lstat())
    places.user.write_text(
        policy_text(grant(name="a", pages=f'["{CODE}"]'), writers(name="w"), writers(name="x"), WRITER)
    )
    texts = [each.finding.text for each in store.current().warnings]
    assert texts == ['the grant "x" can never match: "w" before it decides']
    places.administrator.write_text(
        policy_text(
            "user_grants = true",
            writers(name="y", pages='["https://*.example.com"]'),
            f'[writer]\npages = ["{OTHER}"]\n',
        )
    )
    assert [each.finding.text for each in store.current().warnings] == texts, "held to another [writer]"


# --- the lines that would help -----------------------------------------------------------------------------------


PAGE = parse_lenient(CODE)


def pasted(text: str, proposal: Proposal) -> Policy:
    """The policy with these lines in it: under one [writer], which a file has once."""
    assert proposal.grant is None
    if "[writer]" in proposal.lines:
        text = text.partition("[writer]")[0]
    return policy(text.removeprefix("version = 1\n"), proposal.text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("version = 1\n", ["[writer]", f'pages = ["{CODE}"]'], id="nothing"),
        pytest.param(policy_text(grant(pages=f'["{CODE}"]'), WRITER), [], id="a page's grant"),
        pytest.param(policy_text(writers()), ["[writer]", f'pages = ["{CODE}"]'], id="no [writer]"),
        pytest.param(
            policy_text(writers(), f'[writer]\npages = ["{OTHER}"]\n'),
            ["[writer]", f'pages = ["{OTHER}", "{CODE}"]'],
            id="elsewhere",
        ),
    ],
)
def test_what_is_proposed_for_the_writer_allows_it_once_it_is_pasted(text: str, lines: list[str]) -> None:
    before = policy(text.removeprefix("version = 1\n"))
    assert decided(before, writer()) is None
    proposal = propose(before, Asking(PAGE, "writer"), [("GET", parse_lenient(API))])
    assert proposal is not None
    assert list(proposal.lines[proposal.lines.index("[writer]") if lines else len(proposal.lines) :]) == lines
    assert ('principal = "writer"' in proposal.lines) is (proposal.lines[0] == "[[grant]]")
    after = pasted(text, proposal)
    assert decided(after, writer()) is not None
    assert decided(after, page(CODE)) == decided(before, page(CODE)), "nothing more for the page"


def test_a_line_that_one_of_the_writers_grants_lacks_is_proposed_in_that_grant() -> None:
    by = policy(grant(name="g", pages=f'["{CODE}"]', methods='["POST"]'), writers(methods='["POST"]'), WRITER)
    proposal = propose(by, Asking(PAGE, "writer"), [("GET", parse_lenient(API))])
    assert proposal is not None
    assert proposal.grant is not None
    assert (proposal.grant.name, proposal.lines) == ("w", ('methods = ["POST", "GET"]',))


def test_a_secret_of_the_writers_is_not_given_to_a_page_by_a_proposal() -> None:
    by = policy(
        writers('inject = { Authorization = "Bearer {secret:key}" }'),
        '[secret.key]\nenv = "LONGWIRE_TEST_KEY"\n',
        WRITER,
    )
    proposal = propose(by, Asking(PAGE), [("GET", parse_lenient(API))])
    assert proposal is not None
    assert "{secret:" not in proposal.text
    assert proposal.lines[-1] == '# the grant "w" injects a secret there, for the writer'


def test_what_the_log_says_of_the_writer_is_suggested_for_the_writer() -> None:
    denied = {"event": "error", "code": "POLICY_DENIED", "phase": "policy", "method": "GET", "timestamp": "t"}
    asked = {**denied, "destination": "https://api.example.com/v1/x"}
    events = [
        {**asked, "page": CODE, "principal": "writer"},
        {**asked, "page": CODE},
        {**asked, "page": OTHER, "principal": "writer"},
        {**denied, "page": CODE, "principal": "writer", "provider": "p", "destination": "longwire:generate"},
    ]
    by = policy(provider())
    texts = [each.text for each in suggest(events, by)]
    assert len(texts) == 4
    assert [("principal" in text, "[writer]" in text) for text in texts] == [
        (True, True),
        (False, False),
        (True, True),
        (True, True),
    ]
    # There is one [writer] in a file: who takes all of them over takes the last.
    assert f'pages = ["{CODE}", "{OTHER}"]' in texts[2]
    (name,) = {line for line in texts[3].splitlines() if line.startswith("generate")}
    assert name == 'generate = ["p"]'
