import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from longwire.audit.log_lines import log_lines
from longwire.stats.counting import MAX_GROUPS, NONE, OTHERS, By, Counting
from tests.unit.stats.samples import PAGE, ended, write


def test_a_stream_counts_by_its_end_and_by_nothing_else() -> None:
    start = {"event": "start", "outcome": "allowed", "page": PAGE, "stream": 1}
    redirect = {"event": "redirect", "outcome": "denied", "page": PAGE, "stream": 1}
    detach = ended(event="detach")
    counting = Counting().take_all(
        [start, redirect, ended(), detach, ended("aborted"), ended("denied", code="POLICY_DENIED")]
    )
    assert dict(counting.total.outcomes) == {"completed": 1, "aborted": 1, "denied": 1}
    assert dict(counting.total.codes) == {"POLICY_DENIED": 1}
    assert counting.total.bytes == 3000


def test_what_was_refused_has_no_durations_and_did_not_fail() -> None:
    total = Counting().take_all([ended("denied", ms=0), ended()]).total
    assert (total.failed_share, total.durations["ms"].count, total.durations["ms"].percentile(50)) == (0, 1, 400)


def test_a_generation_that_told_why_there_is_no_answer_failed() -> None:
    total = Counting().take_all([ended(failure="RATE_LIMITED"), ended()]).total
    assert (total.outcomes["failed"], total.codes["RATE_LIMITED"], total.failed_share) == (1, 1, 0.5)


def test_tokens_and_costs_are_added_up_for_each_attempt_and_currency() -> None:
    asked = {"event": "generation", "page": PAGE, "provider": "openai", "model": "large", "attempt": 1}
    counted = asked | {"input_tokens": 7, "output_tokens": 3, "cost": "0.1", "currency": "USD"}
    lines = [asked | {"code": "RATE_LIMITED"}, counted, counted | {"cost": "0.2"}, counted | {"currency": "EUR"}]
    counting = Counting("model").take_all([*lines, ended(provider="openai", model="large", content_ms=50)])
    figures = counting.groups["openai/large"]
    assert (figures.attempts, figures.input_tokens, figures.output_tokens, figures.streams) == (4, 21, 9, 1)
    assert figures.costs == {"USD": Decimal("0.3"), "EUR": Decimal("0.1")}


def test_what_a_page_had_no_lines_for_counts_by_its_number() -> None:
    unwritten = {
        "event": "lines not written",
        "page": PAGE,
        "grant": "chat",
        "count": 9,
        "events": {"start": 4, "end": 2, "error UPSTREAM_RESET": 1, "error POLICY_DENIED": 2},
        "bytes": 50,
    }
    refused = {"event": "refusals not written", "page": PAGE, "count": 40}
    total = Counting().take_all([ended(), unwritten, refused]).total
    assert dict(total.outcomes) == {"completed": 3, "failed": 1, "denied": 42}
    assert (total.untimed, total.bytes, total.durations["ms"].count) == (45, 1050, 1)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("grant", {"chat", NONE}),
        ("page", {PAGE, "(private window)"}),
        ("destination", {"https://api.example.com", "(private window)"}),
        ("model", {NONE}),
    ],
)
def test_streams_are_told_apart(by: By, names: set[str]) -> None:
    private = ended(page="(private window)", destination="(private window)", grant=None)
    counting = Counting(by).take_all([ended(), ended(destination="https://api.example.com/other"), private])
    assert set(counting.groups) == names
    assert sum(each.streams for each in counting.groups.values()) == counting.total.streams == 3


def test_pages_without_number_are_a_thousand_groups_and_the_others() -> None:
    lines = (ended(page=f"https://p{number}.example.com") for number in range(MAX_GROUPS + 50))
    groups = Counting("page").take_all(lines).groups
    assert (len(groups), groups[OTHERS].streams) == (MAX_GROUPS + 1, 50)


@pytest.mark.parametrize("value", ["12", -1, 2.5, True, 10**30, None, [1], float("nan")])
def test_a_number_that_is_none_counts_as_nothing(value: object) -> None:
    total = Counting().take_all([ended(bytes=value, ms=value, headers_ms=value)]).total
    assert (total.streams, total.bytes, total.durations["ms"].count, total.durations["headers_ms"].count) == (
        1,
        0,
        0,
        0,
    )


def test_a_name_with_controls_in_it_is_shown_with_codes() -> None:
    assert set(Counting("page").take_all([ended(page="https://x\x1b[2J\n")]).groups) == {"https://x\\x1b[2J\\n"}


def many(folder: Path, count: int) -> int:
    """The most memory, in bytes, that counting so many lines takes."""
    lines = [ended(page=f"https://p{number % 997}.example.com", ms=number % 90_000) for number in range(1000)]
    text = write(folder, lines).read_bytes()
    for number in range(count // 1000):
        (folder / ".local/state/longwire" / f"host-20261121T1{number:05}-7.jsonl").write_bytes(text)
    tracemalloc.start()
    try:
        counting = Counting("page").take_all(log_lines(folder / ".local/state/longwire"))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counting.total.streams == count // 1000 * 1000 + 1000
    return most


# With a thousand pages. Of one line in a list of all there would be 300 bytes at least.
_MOST_BYTES = 8_000_000


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    assert many(tmp_path, 5_000) < _MOST_BYTES


@pytest.mark.long
def test_a_million_lines_take_the_memory_of_thousands(tmp_path: Path) -> None:
    million = many(tmp_path, 1_000_000)
    print(f"stats: {million / 1e6:.1f} MB for a million lines")
    assert million < _MOST_BYTES
