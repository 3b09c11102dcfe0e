from collections.abc import Iterable, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.policy import coverage
from longwire.policy.coverage import unreachable_grants
from longwire.policy.grants import Grant
from longwire.policy.matching import HostPattern
from tests.unit.policy.samples import grant, grants, policy_text, provider


def reported(*texts: str) -> list[str]:
    return [found.name for found, _ in unreachable_grants(grants(policy_text(*texts)))]


def test_a_grant_behind_its_twin_is_reported() -> None:
    granted = grants(policy_text(grant(name="a"), grant(name="b")))
    ((found, problem),) = unreachable_grants(granted)

    assert found.name == "b"
    assert str(problem) == 'line 8: the grant "b" can never match: "a" before it decides'


def test_a_narrower_one_behind_a_wider_one_is_reported() -> None:
    wide = grant(
        name="wide",
        pages='["https://*.example.com", "http://127.0.0.1:*"]',
        destinations='["https://api.example.com/"]',
    )
    narrow = grant(
        name="narrow",
        pages='["https://*.a.example.com", "https://x.example.com", "http://127.0.0.1:80"]',
        destinations='["https://api.example.com/v1/chat"]',
        methods='["GET"]',
    )

    assert reported(wide, narrow) == ["narrow"]
    assert reported(narrow, wide) == []


def test_one_that_adds_anything_is_not() -> None:
    first = grant(name="a")
    for keys in (
        {"methods": '["GET", "PUT"]'},
        {"pages": '["https://chat.example.com", "https://b.example.com"]'},
        {"pages": '["http://chat.example.com"]'},
        {"destinations": '["https://api.example.com/"]'},
        {"destinations": '["https://api.example.com/v1"]'},
        {"destinations": '["https://api.example.com:8443/v1/"]'},
        {"private_windows": "true"},
    ):
        assert reported(first, grant(name="b", **keys)) == []


def test_disabled_grants_neither_hide_nor_are_reported() -> None:
    assert reported(grant("enabled = false", name="a"), grant(name="b")) == []
    assert reported(grant(name="a"), grant("enabled = false", name="b")) == []


def test_each_entry_may_be_covered_by_another_grant() -> None:
    assert reported(
        grant(name="get", methods='["GET"]'), grant(name="post", methods='["POST"]'), grant(name="both")
    ) == ["both"]


def test_a_long_list_of_grants_before_it_is_named_by_its_first() -> None:
    granted = grants(policy_text(*(grant(name=f"g{number}") for number in range(6))))

    assert str(unreachable_grants(granted)[-1][1]).endswith(
        '"g5" can never match: "g0", "g1", "g2" and 2 more before it decides'
    )


def listed(texts: Iterable[str]) -> str:
    return str(list(texts)).replace("'", '"')


def test_two_large_grants_are_compared_in_steps_that_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 pages, 256 destinations and 3 methods, twice, cost 12.9 s where each was held against each."""
    names = [f"https://h{number}.example.com" for number in range(256)]
    twins = [
        grant(name=name, pages=listed(names), destinations=listed(names), methods='["A", "B", "C"]') for name in "ab"
    ]
    granted = grants(policy_text(*twins))
    entries = sum(len(grant.pages) + len(grant.destinations) + len(grant.methods) for grant in granted)
    monkeypatch.setattr(coverage, "MAX_STEPS", 20 * entries)

    ((_, problem),) = unreachable_grants(granted)
    assert str(problem).endswith('"a" before it decides')


def test_the_steps_have_an_end_whatever_the_file_and_the_administrator_is_told_where() -> None:
    hosts = [f"https://h{number}.example.com" for number in range(256)]
    halves = [[host for number, host in enumerate(hosts) if number >> bit & 1] for bit in range(8)]
    # Each host is granted by a set of grants of its own, so no two requests are alike.
    texts = [grant(name=f"g{bit}", pages=listed(half), destinations=listed(half)) for bit, half in enumerate(halves)]
    everything = [grant(name=f"all{n}", pages=listed(hosts), destinations=listed(hosts)) for n in range(6)]
    found = unreachable_grants(
        grants(policy_text(*everything, *texts, *[text.replace('"all', '"again') for text in everything]))
    )

    assert "too many entries" in str(found[-1][1])
    assert found[-1][0].name.startswith("again")


HOSTS = st.sampled_from(["a.test", "b.a.test", "c.b.a.test", "*.a.test", "*.b.a.test"])
PORTS = st.sampled_from(["", ":8443", ":*"])
PATHS = st.sampled_from(["/", "/v", "/v/", "/v/w", "/v/w/", "/vw"])
PAGES = st.lists(st.builds("https://{}{}".format, HOSTS, PORTS), min_size=1, max_size=3)
DESTINATIONS = st.lists(
    st.builds("https://{}{}{}".format, HOSTS, st.sampled_from(["", ":8443"]), PATHS), min_size=1, max_size=3
)
METHODS = st.lists(st.sampled_from(["A", "B"]), min_size=1, max_size=2, unique=True)
# For requests, for generation, or for both.
REQUESTS = st.tuples(DESTINATIONS, METHODS)
PROVIDERS = st.lists(st.sampled_from(["p", "q"]), min_size=1, max_size=2, unique=True)
OPENS = st.one_of(st.tuples(REQUESTS, st.none()), st.tuples(st.none(), PROVIDERS), st.tuples(REQUESTS, PROVIDERS))
GRANTS = st.lists(st.tuples(PAGES, OPENS, st.booleans(), st.booleans()), min_size=1, max_size=4)


def held(one: HostPattern, other: HostPattern) -> bool:
    """Whether `one` matches all that `other` does, from the words of the documentation."""
    if one.port is not None and one.port != other.port:
        return False
    if other.wildcard:
        return one.wildcard and f".{other.host}".endswith(f".{one.host}")
    return other.host.endswith(f".{one.host}") if one.wildcard else other.host == one.host


def decided_before(grant: Grant, earlier: Sequence[Grant]) -> bool:
    others = [each for each in earlier if each.enabled and (each.private_windows or not grant.private_windows)]
    requests = all(
        any(
            method in other.methods
            and any(held(pattern.origin, page.origin) for pattern in other.pages)
            and any(
                held(pattern.origin, target.origin) and pattern.holds_path(target.path)
                for pattern in other.destinations
            )
            for other in others
        )
        for page, target, method in product(grant.pages, grant.destinations, grant.methods)
    )
    return requests and all(
        any(
            any(held(pattern.origin, page.origin) for pattern in other.pages)
            and provider.name in [each.name for each in other.generate]
            for other in others
        )
        for page, provider in product(grant.pages, grant.generate)
    )


@settings(deadline=None)  # each example is a policy file that is read
@given(GRANTS)
def test_what_is_reported_is_what_comparing_each_with_each_finds(
    wanted: list[tuple[list[str], tuple[tuple[list[str], list[str]] | None, list[str] | None], bool, bool]],
) -> None:
    texts = []
    for number, (pages, (requests, providers), private, enabled) in enumerate(wanted):
        lines = ["[[grant]]", f'name = "g{number}"', f"pages = {listed(pages)}"]
        lines += [f"private_windows = {str(private).lower()}", f"enabled = {str(enabled).lower()}"]
        if requests is not None:
            lines += [f"destinations = {listed(requests[0])}", f"methods = {listed(requests[1])}"]
        if providers is not None:
            lines.append(f"generate = {listed(providers)}")
        texts.append("\n".join(lines))
    granted = grants(policy_text(*texts, provider(name="p"), provider(name="q")))
    expected = [
        each.name
        for number, each in enumerate(granted)
        if each.enabled and number and decided_before(each, granted[:number])
    ]

    assert [found.name for found, _ in unreachable_grants(granted)] == expected


def test_a_grant_whose_generation_is_left_to_it_can_match() -> None:
    both = grant(name="b", generate='["p", "q"]')
    other = grant(name="o", destinations='["https://o.example.com/"]', generate='["q"]')

    assert reported(grant(name="a"), both, provider(), provider(name="q")) == []
    assert reported(grant(name="a", generate='["p"]'), both, provider(), provider(name="q")) == []
    assert reported(grant(name="a", generate='["p"]'), other, both, provider(), provider(name="q")) == ["b"]
