"""A host without a daemon: what is durable is refused, with the line that is missing, and nothing else changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from longwire.engine.durable_access import NoDaemon
from tests.unit.engine.durable_bench import DURABLE
from tests.unit.engine.harness import POLICY, Bench, page_facts, running_engine

PROVIDER = """
[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "http://upstream.test/v1"
models = ["test-1"]
network = "loopback"
"""
GENERATES = 'generate = ["vendor"]\n'
DESK: dict[str, Any] = {"kind": "durable", "url": "longwire:durable"}
GENERATION: dict[str, Any] = {
    "kind": "generation",
    "url": "longwire:generate",
    "method": "POST",
    "durable": {"key": "k"},
}
PLAIN: dict[str, Any] = {"durable": {"key": "k", "offset": 3}}


@asynccontextmanager
async def without_daemon(folder: Path, policy: str) -> AsyncIterator[tuple[Bench, list[None]]]:
    """A page of such a host, and how often it said that a daemon is needed."""
    needed: list[None] = []
    async with running_engine(folder, policy=policy) as first:
        kinds = {**first.engine.kinds, "generation": first.engine.kinds["http"]}
        first.engine.kinds = NoDaemon(kinds, first.policy, lambda: needed.append(None)).kinds
        async with first.another_channel() as bench:
            yield bench, needed


def top(**changes: Any) -> dict[str, Any]:
    return page_facts(profile="p", **changes)


@pytest.mark.parametrize("asked", [PLAIN, DESK, GENERATION])
async def test_a_policy_without_durable_has_the_line_that_is_missing(tmp_path: Path, asked: dict[str, Any]) -> None:
    async with without_daemon(tmp_path, POLICY + GENERATES + PROVIDER) as (bench, needed):
        bench.start(1, page=top(), **asked)
        refused = await bench.channel.terminal(1)
        assert (refused["code"], DURABLE in refused["message"]) == ("POLICY_DENIED", True)
        assert needed == []
        bench.start(2)
        await bench.response(2)
    assert len(bench.upstream.requests) == 1


@pytest.mark.parametrize("asked", [PLAIN, DESK, GENERATION])
async def test_a_policy_that_has_it_since_a_moment_asks_for_another_start(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    async with without_daemon(tmp_path, POLICY + GENERATES + DURABLE + PROVIDER) as (bench, needed):
        bench.start(1, page=top(), **asked)
        refused = await bench.channel.terminal(1)
        assert (refused["code"], refused["retryable"]) == ("HOST_UNAVAILABLE", True)
        assert needed == [None]
    assert bench.upstream.requests == []


@pytest.mark.parametrize("facts", [{"frame": 1}, {"private": True}, {"principal": "writer"}, {"profile": None}])
@pytest.mark.parametrize("asked", [PLAIN, DESK, GENERATION])
async def test_who_can_have_none_needs_no_daemon(tmp_path: Path, asked: dict[str, Any], facts: dict[str, Any]) -> None:
    async with without_daemon(tmp_path, POLICY + GENERATES + DURABLE + PROVIDER) as (bench, needed):
        bench.start(1, page=top() | facts, **asked)
        assert (await bench.channel.terminal(1))["code"] == "POLICY_DENIED"
        assert needed == []


async def test_a_page_without_any_grant_hears_what_it_hears_of_everything(tmp_path: Path) -> None:
    async with without_daemon(tmp_path, POLICY + DURABLE) as (bench, needed):
        for number, asked in enumerate((PLAIN, DESK, GENERATION), 1):
            bench.start(number, page=top(origin="http://elsewhere.test"), **asked)
            refused = await bench.channel.terminal(number)
            assert refused["code"] == "POLICY_DENIED"
            assert DURABLE not in refused["message"]
        assert needed == []
