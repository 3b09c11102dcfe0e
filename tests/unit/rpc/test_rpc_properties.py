"""Whatever the order in which things happen: every stream has one end on each side, and its items come once."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.rpc import RpcError, events
from longwire.rpc.core import Core
from longwire.rpc.incoming import TakenItem
from longwire.rpc.link import CoreOptions
from longwire.rpc.messages import Hello, read_message
from longwire.rpc.outgoing import SendOptions
from tests.slices import times

IDS = ("a", "b", "c")


@dataclass
class Seen:
    """One stream, as the users of both sides see it."""

    given: int = 0
    sent: list[RpcError | None] = field(default_factory=list)
    claimed: bool = False
    taken: list[Any] = field(default_factory=list)
    ends: list[RpcError | None] = field(default_factory=list)
    left: bool = False


class World:
    """Two sides, and a network between them that delivers when it is told to."""

    def __init__(self, *, resumable: bool) -> None:
        def make(role: Literal["connect", "accept"], token: str) -> Core:
            return Core(CoreOptions(role, token, window=300, resumable=resumable, deflate=False))

        self.cores = (make("connect", "c"), make("accept", "s"))
        self.wires: tuple[list[str | bytes], list[str | bytes]] = ([], [])
        self.streams: list[Seen] = []
        self._current: tuple[dict[str, Seen], dict[str, Seen]] = ({}, {})
        self._connected = False
        self._sent = 0
        self.connect()

    def connect(self) -> None:
        if self._connected or any(core.state == "closed" for core in self.cores):
            return
        self._connected = True
        for wire in self.wires:
            wire.clear()
        self.cores[0].opened(0)
        if self.cores[1].state != "detached":  # it waits for the hello of who wants it back
            self.cores[1].opened(0)

    def cut(self, *, final: bool) -> None:
        if self._connected:
            self._connected = False
            for core in self.cores:
                core.closed(1006, "", 0, final=final)

    def pump(self) -> None:
        for core, wire in zip(self.cores, self.wires, strict=True):
            while self._connected and (message := core.next(0, writable=True)) is not None:
                wire.append(message.data)
                self._sent += 1

    def deliver(self, side: int) -> None:
        if not self._connected or not self.wires[side]:
            return
        data, other = self.wires[side].pop(0), self.cores[1 - side]
        if other.state == "detached":
            hello = read_message(data)
            assert isinstance(hello, Hello)
            self._come_back(other, hello, data)
        else:
            other.receive(data, 0)

    def _come_back(self, kept: Core, hello: Hello, data: str | bytes) -> None:
        """As the shell does: who kept nothing asks for nothing, and what was kept for it is over in time."""
        if hello.resume is not None:
            kept.resume(hello, 0)
            return
        kept.tick(CoreOptions.resume_timeout_ms)
        self.look()
        kept.opened(0)
        kept.receive(data, 0)

    def look(self) -> None:
        for side, core in enumerate(self.cores):
            for event in core.events():
                assert not isinstance(event, events.Violation | events.CloseSocket), event
                if isinstance(event, events.Sent):
                    self._current[side][event.stream_id].sent.append(event.error)
                if isinstance(event, events.ResumeAsked):
                    core.refuse_resume(0)

    def open(self, side: int, stream_id: str) -> None:
        before = self._current[side].get(stream_id)
        # An id is used again when both sides are done with it.
        if before is not None and (not before.sent or not (before.ends or before.left)):
            return
        try:
            self.cores[side].open(stream_id, SendOptions())
        except RpcError:
            return
        self._current[side][stream_id] = seen = Seen()
        self.streams.append(seen)

    def push(self, side: int, stream_id: str) -> None:
        if self.cores[side].wants(stream_id):
            seen = self._current[side][stream_id]
            self.cores[side].push(stream_id, str(seen.given), 0)
            seen.given += 1

    def end(self, side: int, stream_id: str) -> None:
        self.cores[side].end(stream_id, None)

    def fail(self, side: int, stream_id: str) -> None:
        self.cores[side].end(stream_id, RpcError("X"))

    def abort(self, side: int, stream_id: str) -> None:
        self.cores[side].abort(stream_id, RpcError("ABORTED"))

    def claim(self, side: int, stream_id: str) -> None:
        seen = self._current[1 - side].get(stream_id)
        if seen is None or seen.claimed:
            return
        seen.claimed = True
        try:
            self.cores[side].claim(stream_id, 400)
        except RpcError:
            seen.left = True

    def take(self, side: int, stream_id: str) -> None:
        seen = self._current[1 - side].get(stream_id)
        if seen is None or not seen.claimed or seen.left:
            return
        taken = self.cores[side].take(stream_id)
        if isinstance(taken, TakenItem):
            seen.taken.append(taken.item)
        elif taken is not None:
            seen.ends.append(taken.error)

    def cancel(self, side: int, stream_id: str) -> None:
        seen = self._current[1 - side].get(stream_id)
        if seen is not None and seen.claimed and not seen.left and not seen.ends:
            seen.left = True
            self.cores[side].cancel(stream_id)

    def settle(self) -> None:
        """Everything on its way arrives, and everything that can be read is."""
        before: object = None
        # A round in which nothing was sent, nothing read and nothing ended is the last one.
        while before != (after := (self._sent, repr(self.streams))):
            before = after
            self.pump()
            for side in (0, 1):
                while self._connected and self.wires[side]:
                    self.deliver(side)
                    self.look()
                for stream_id in IDS * 50:
                    self.take(side, stream_id)
            self.look()


OFTEN = ("push", "push", "take", "take", "deliver", "deliver", "deliver", "pump", "open", "claim")
SELDOM = ("end", "fail", "abort", "cancel", "cut", "connect")
ACTIONS = st.lists(
    st.tuples(st.sampled_from(OFTEN * 2 + SELDOM), st.sampled_from((0, 1)), st.sampled_from(IDS)), max_size=150
)


@pytest.mark.parametrize("resumable", [True, False])
@settings(max_examples=times(300, 100), deadline=None)
@given(actions=ACTIONS)
def test_every_stream_has_one_end_on_each_side(resumable: bool, actions: list[tuple[str, int, str]]) -> None:
    world = World(resumable=resumable)
    for what, side, stream_id in actions:
        match what:
            case "cut":
                world.cut(final=False)
            case "connect" | "pump":
                getattr(world, what)()
            case "deliver":
                world.deliver(side)
            case _:
                getattr(world, what)(side, stream_id)
        world.look()
    world.connect()
    world.settle()
    for seen in world.streams:
        assert seen.taken == list(range(len(seen.taken)))
        assert len(seen.taken) <= seen.given
        if seen.ends == [None]:  # what ends in order is whole
            assert len(seen.taken) == seen.given
        if seen.sent == [None] and seen.ends:
            assert seen.ends == [None]
    # What both sides are done with comes to its end: no credit is lost.
    for side in (0, 1):
        for stream_id in IDS:
            world.claim(side, stream_id)
            world.end(side, stream_id)
    world.settle()
    assert [len(seen.sent) for seen in world.streams] == [1] * len(world.streams)
    world.cut(final=True)
    world.look()
    world.settle()
    for seen in world.streams:
        assert len(seen.sent) == 1
        assert len(seen.ends) == (seen.claimed and not seen.left)
    for core in world.cores:
        assert set(core.counts.values()) == {0}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["message", "requestId", "a"]), inner),
    max_leaves=6,
)
MEMBERS = "streamId index count payload payloads error received limit requestId data details timestamp longwire notify"
MESSAGES = st.dictionaries(st.sampled_from(MEMBERS.split()), VALUES, max_size=5)
TYPES = [
    "StreamData",
    "StreamBatch",
    "StreamEnd",
    "StreamError",
    "StreamCredit",
    "StreamCancel",
    "StreamClosed",
    "StreamX",
]
CATEGORIES = ["ping", "pong", "request", "response", "cancel", "error", "welcome"]
FRAMES = (
    st.binary(max_size=40)
    | st.binary(max_size=10).map(lambda rest: b"\x00" + rest)
    | st.text(max_size=20)
    | st.tuples(MESSAGES, st.sampled_from(TYPES)).map(lambda pair: json.dumps({**pair[0], "type": pair[1]}))
    | st.tuples(MESSAGES, st.sampled_from(CATEGORIES)).map(lambda pair: json.dumps({**pair[0], "category": pair[1]}))
)


@pytest.mark.parametrize("plain", [True, False])
@settings(max_examples=times(500, 150), deadline=None)
@given(frames=st.lists(FRAMES, max_size=20))
def test_no_message_is_more_than_a_violation(plain: bool, frames: list[str | bytes]) -> None:
    core = Core(CoreOptions("accept", "s", window=300, max_unclaimed_bytes=1000, max_streams=4))
    core.opened(0)
    hello = {"version": 1, "peer": "p", "window": 1, "maxMessageBytes": 1000}
    core.receive(json.dumps({"category": "ping", "timestamp": 0, **({} if plain else {"longwire": hello})}), 0)
    core.open("a", SendOptions())
    core.claim("x" * 200, 300)
    for frame in frames:
        core.push("a", "1", 0)
        core.receive(frame, 0)
        while core.next(0, writable=True) is not None:
            pass
    core.tick(1e9)
    core.closed(1006, "", 0, final=True)
    happened = [event for event in core.events() if isinstance(event, events.Sent)]
    assert [event.stream_id for event in happened] == ["a"]
    core.take("x" * 200)
    assert core.counts["outgoing"] == core.counts["unclaimed_bytes"] == 0
