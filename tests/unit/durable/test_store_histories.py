"""Any history of daemons that come, carry out, retire and die over one folder: a key that was claimed is never free."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from longwire.durable.record import NOBODY, RecordState
from longwire.durable.store import KeyTaken, Store, StoreUnusable
from tests.unit.durable.samples import ended, names_in, request

NAMES = st.sampled_from(["a", "b", "c"])
MOST_DAEMONS = 3


class Daemons(RuleBasedStateMachine):
    """The folder beside what should be known of it: of each key its state, who has it, and its bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        # What is kept over a loss of power, other tests ask.
        self.unsynced = mock.patch.object(os, "fsync")
        self.unsynced.start()
        self.number = 0
        self.alive: dict[str, Store] = {}
        self.retired: set[str] = set()
        self.known: dict[str, tuple[RecordState, str, bytes]] = {}

    def looked_around(self, owner: str) -> None:
        if owner in self.retired:
            return
        for name, (state, has, body) in self.known.items():
            if has not in self.alive:
                gone = state is RecordState.RUNNING
                self.known[name] = (RecordState.UNKNOWN, owner, b"") if gone else (state, owner, body)

    def one(self, data: st.DataObject) -> tuple[str, Store]:
        owner = data.draw(st.sampled_from(sorted(self.alive)))
        return owner, self.alive[owner]

    @precondition(lambda self: len(self.alive) < MOST_DAEMONS)
    @rule()
    def start(self) -> None:
        self.number += 1
        owner = f"daemon-{self.number}"
        self.alive[owner] = Store(self.root / "durable", owner)
        self.looked_around(owner)

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), name=NAMES)
    def claim(self, data: st.DataObject, name: str) -> None:
        owner, store = self.one(data)
        if name in self.known:
            if self.known[name][1] not in self.alive:
                self.looked_around(owner)
            with pytest.raises(KeyTaken):
                store.claim(request(name, owner))
        else:
            store.claim(request(name, owner))
            self.known[name] = (RecordState.RUNNING, owner, b"")

    @precondition(lambda self: self.known)
    @rule(data=st.data(), body=st.binary(min_size=1, max_size=50))
    def receive(self, data: st.DataObject, body: bytes) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        state, owner, before = self.known[name]
        if state is RecordState.RUNNING and owner in self.alive:
            self.alive[owner].spool(request(name).id, 16).append(body)
            self.known[name] = (state, owner, before + body)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        state, owner, body = self.known[name]
        if state is RecordState.RUNNING and owner in self.alive:
            self.alive[owner].save(ended(request(name, owner), len(body)))
            self.known[name] = (RecordState.ENDED, NOBODY if owner in self.retired else owner, body)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        owner, store = self.one(data)
        store.close()
        del self.alive[owner]

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        owner, store = self.one(data)
        store.retire()
        self.retired.add(owner)
        for name, (state, has, body) in self.known.items():
            if has == owner and state is not RecordState.RUNNING:
                self.known[name] = (state, NOBODY, body)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def adopt(self, data: st.DataObject) -> None:
        owner, store = self.one(data)
        store.adopt()
        self.looked_around(owner)

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), name=NAMES)
    def forget(self, data: st.DataObject, name: str) -> None:
        owner, store = self.one(data)
        has = self.known[name][1] if name in self.known else NOBODY
        if has != owner and has in self.alive:
            with pytest.raises(StoreUnusable):
                store.delete(request(name).id)
            return
        assert store.delete(request(name).id) == (name in self.known)
        self.known.pop(name, None)

    @invariant()
    def all_know_the_same(self) -> None:
        for store in self.alive.values():
            assert {record.name for record in store.records()} == set(self.known)
            assert store.unreadable() == []

    @invariant()
    def who_has_it_knows_how_it_is_and_reads_every_byte(self) -> None:
        for name, (state, owner, body) in self.known.items():
            if owner not in self.alive:
                continue
            found = self.alive[owner].find(request(name).key)
            assert found is not None and (found.state, found.owner) == (state, owner)
            if state is not RecordState.UNKNOWN:
                assert self.alive[owner].spool(found.id, 16).read(0, 10**6) == body

    @invariant()
    def nothing_lies_there_that_nobody_knows(self) -> None:
        if self.number:
            ids = {request(name).id for name in self.known}
            assert {name.partition(".")[0] for name in names_in(self.root / "durable")} == ids

    def teardown(self) -> None:
        for store in self.alive.values():
            store.close()
        self.unsynced.stop()
        shutil.rmtree(self.root)


TestDaemons: Any = Daemons.TestCase
TestDaemons.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
