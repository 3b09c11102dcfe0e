"""What both languages do alike: tests/vectors/rpc, which vitest reads too."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from longwire.rpc import events
from longwire.rpc.core import Core
from longwire.rpc.errors import RpcError
from longwire.rpc.incoming import TakenEnd, TakenItem
from longwire.rpc.link import CoreOptions
from longwire.rpc.messages import Bad, Data, Hello, hello_text, read_message, size_of
from longwire.rpc.outgoing import SendOptions

VECTORS = Path(__file__).parents[2] / "vectors" / "rpc"
CASES: list[dict[str, Any]] = json.loads((VECTORS / "core.json").read_text("utf-8"))
SIZES: list[tuple[str, int]] = json.loads((VECTORS / "messages.json").read_text("utf-8"))["sizes"]
HELLO = {
    "version": 1,
    "peer": "other",
    "window": 1000,
    "maxMessageBytes": 10_000,
    "deflate": True,
    "resumable": False,
}
NAMES = {events.Requested: "request", events.Answered: "response", events.CloseSocket: "close"}


def snake(name: str) -> str:
    """Of the names in JavaScript's way."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def camel(name: str) -> str:
    """And back."""
    return re.sub("_(.)", lambda letter: letter[1].upper(), name)


def compact(value: Any) -> str:
    """JSON as JavaScript writes it: the size counts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data_of(value: Any) -> str | bytes:
    """A message, or an item."""
    if isinstance(value, str):
        return value
    if "$text" in value:
        return "x" * int(value["$text"])
    return bytes.fromhex(value["hex"]) if "hex" in value else compact(value)


def shown(value: Any) -> Any:
    """As the vectors say it."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return value.code if isinstance(value, RpcError) else value


def shown_message(data: str | bytes) -> Any:
    return json.loads(data) if isinstance(data, str) else shown(data)


def shown_event(event: events.Event) -> dict[str, Any]:
    kind = type(event)
    name = NAMES.get(kind, re.sub("(?<=.)[A-Z]", r"-\g<0>", kind.__name__).lower())
    members = {camel(each.name): shown(getattr(event, each.name)) for each in fields(event)}
    if kind is events.CloseSocket:
        members.pop("reason")
    if kind is events.Answered and members["error"] is None:
        members.pop("error")
    return {"type": name, **members}


def options_of(case: dict[str, Any]) -> CoreOptions:
    given: dict[str, Any] = {"window": 1000, "maxMessageBytes": 10_000, **case.get("options", {})}
    named = {snake(name) + ("_ms" if name.endswith("Timeout") else ""): value for name, value in given.items()}
    return CoreOptions(role=case["role"], token="own", **named)


def hello_of(value: dict[str, Any]) -> Hello:
    hello = read_message(json.dumps({"category": "ping", "timestamp": 0, "longwire": value}))
    assert isinstance(hello, Hello)
    return hello


class Replay:
    """One case: each step is a method."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.core = Core(options_of(case))
        self.at = 0.0
        if "hello" not in case and "plain" not in case:
            return
        self.core.opened(0)
        hello = {"category": "ping", "timestamp": 0, "longwire": HELLO | case.get("hello", {})}
        self.core.receive(json.dumps({"category": "pong"} if "plain" in case else hello), 0)
        self._sent()
        self.core.events()

    def _sent(self) -> list[Any]:
        sent = []
        while (message := self.core.next(self.at, writable=True)) is not None:
            sent.append(shown_message(message.data))
        return sent

    def step(self, step: dict[str, Any]) -> None:
        what, value = next(iter(step.items()))
        if what == "open" and "error" in step:
            with pytest.raises(RpcError) as refused:
                self.core.open(value, SendOptions())
            assert refused.value.code == step["error"]
        elif what == "open":
            self.core.open(value, self._send_options(step.get("options", {})))
        else:
            run: Callable[[Any], None] = getattr(self, f"do_{snake(what)}")
            run(value)

    @staticmethod
    def _send_options(given: dict[str, Any]) -> SendOptions:
        batch = given.pop("batch", {})
        return SendOptions(**given, **{f"batch_{n}" + "_ms" * (n == "delay"): value for n, value in batch.items()})

    def do_opened(self, now: float) -> None:
        self.at = now
        self.core.opened(now)

    def do_now(self, now: float) -> None:
        self.at = now

    def do_tick(self, now: float) -> None:
        self.at = now
        self.core.tick(now)

    def do_receive(self, value: Any) -> None:
        self.core.receive(data_of(value), self.at)

    def do_repeat(self, value: list[Any]) -> None:
        for _ in range(value[0]):
            self.core.receive(data_of(value[1]), self.at)

    def do_refuse_resume(self, now: float) -> None:
        self.core.refuse_resume(now)

    def do_known(self, expected: bool | None) -> None:
        assert self.core.extended is expected

    def do_resume(self, hello: dict[str, Any]) -> None:
        self.core.resume(hello_of(hello), self.at)

    def do_closed(self, value: list[Any]) -> None:
        self.core.closed(value[0], value[1], self.at, final=value[2])

    def do_push(self, value: list[Any]) -> None:
        self.core.push(value[0], data_of(value[1]), self.at)

    def do_end(self, stream_id: str) -> None:
        self.core.end(stream_id, None)

    def do_claim(self, value: list[Any]) -> None:
        self.core.claim(value[0], value[1])

    def do_cancel(self, stream_id: str) -> None:
        self.core.cancel(stream_id)

    def do_request(self, value: list[Any]) -> None:
        self.core.request(value[0], str(data_of(value[1])), value[2])

    def do_respond(self, value: list[Any]) -> None:
        self.core.respond(value[0], value[1], None)

    def do_sends(self, expected: list[Any]) -> None:
        assert self._sent() == expected

    def do_next(self, expected: Any) -> None:
        message = self.core.next(self.at, writable=True)
        assert (None if message is None else shown_message(message.data)) == expected

    def do_deflatable(self, expected: bool) -> None:
        message = self.core.next(self.at, writable=True)
        assert message is not None
        assert message.deflatable == expected

    def do_events(self, expected: list[Any]) -> None:
        assert [shown_event(event) for event in self.core.events()] == expected

    def do_event_types(self, expected: list[str]) -> None:
        assert [shown_event(event)["type"] for event in self.core.events()] == expected

    def do_take(self, value: list[Any]) -> None:
        match self.core.take(value[0]):
            case TakenItem(item):
                assert value[1] == {"item": shown(item)}
            case TakenEnd(error):
                assert value[1] == {"end": shown(error)}
            case None:
                assert value[1] is None

    def do_wants(self, value: list[Any]) -> None:
        assert self.core.wants(value[0]) == value[1]

    def do_deadline(self, expected: int | None) -> None:
        deadline = self.core.deadline(self.at)
        assert (None if deadline == math.inf else math.ceil(deadline)) == expected

    def do_counts(self, expected: dict[str, int]) -> None:
        assert {name: self.core.counts[snake(name)] for name in expected} == expected


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_case_of_the_core(case: dict[str, Any]) -> None:
    replay = Replay(case)
    for number, step in enumerate(case["steps"]):
        try:
            replay.step(json.loads(json.dumps(step)))
        except AssertionError as error:
            error.add_note(f"step {number}: {step}")
            raise


@pytest.mark.parametrize(("text", "size"), SIZES, ids=[ascii(text) for text, _ in SIZES])
def test_the_size_of_a_text(text: str, size: int) -> None:
    assert size_of(text) == size


def test_a_hello_is_read_as_it_was_written() -> None:
    hello = Hello("me", 5, 6, True, False, "you", None, {"a": (1, 2)}, ["b"])
    assert read_message(hello_text(hello, 1)) == hello


def test_a_batch_has_at_most_as_many_items_as_a_sender_makes_of_64_kib() -> None:
    def batch(items: int) -> object:
        return read_message(f'{{"type":"StreamBatch","streamId":"a","index":0,"payloads":[0{",0" * (items - 1)}]}}')

    assert isinstance(batch(65_536), Data)
    assert batch(65_537) == Bad("A message is no batch", "a")
    core = Core(CoreOptions("connect", "own"))
    core.opened(0)
    hello = {"version": 1, "peer": "p", "window": 10**9, "maxMessageBytes": 10**9}
    core.receive(json.dumps({"category": "ping", "timestamp": 0, "longwire": hello}), 0)
    core.open("a", SendOptions(batch_items=10**9))
    pushed = 0
    while core.wants("a"):
        core.push("a", "0", 0)
        pushed += 1
    assert pushed == 65_536
