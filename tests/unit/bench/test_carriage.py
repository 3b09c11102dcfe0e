"""What the host counted, as figures."""

import json

from tests.bench.carriage import Carriage, ends
from tests.bench.turns import in_turn


def line(**fields: object) -> str:
    counted = {"bytes": 1000, "carried_bytes": 250, "chunks": 2, "packed_chunks": 1, "pieces": 6, "credit_wait_ms": 3}
    return json.dumps({"event": "end", **counted, **fields})


class Log:
    """A browser's log that grows."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def logged(self) -> int:
        return len(self.lines)

    def logs_since(self, before: int) -> str:
        return "".join(text + "\n" for text in self.lines[before:])


def test_only_ends_that_count_chunks_count() -> None:
    lines = [line(), line(event="start"), json.dumps({"event": "end", "bytes": 5})]
    assert len(ends(lines)) == 1


def test_what_ended_in_the_block_is_of_its_kind() -> None:
    log = Log()
    carriage = Carriage(log)  # type: ignore[arg-type]
    log.lines.append(line(bytes=1))
    with carriage.of("text"):
        log.lines.append(line())
    rows = {row.name: row.samples for row in carriage.rows()}
    assert rows["text: carried for a byte of body, Longwire"] == [0.25]
    assert rows["text: chunks compressed, Longwire"] == [0.5]
    assert rows["text: waited for credit, Longwire"] == [3000]


def test_a_build_that_does_not_count_has_no_rows() -> None:
    log = Log()
    carriage = Carriage(log)  # type: ignore[arg-type]
    with carriage.of("text"):
        log.lines.append(json.dumps({"event": "end", "bytes": 5}))
    assert carriage.rows() == []


def test_each_round_begins_with_another() -> None:
    assert [in_turn("abc", number) for number in (0, 1, 4)] == [["a", "b", "c"], ["b", "c", "a"], ["b", "c", "a"]]
    assert in_turn((), 3) == []
