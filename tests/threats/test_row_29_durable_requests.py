"""Threat 29: somebody attaches to a page's durable request, or learns that there is one.

A key is of a profile and an origin, so what another has under the same name is never looked at: whoever asks finds the
same whether it is there or not, by the same steps.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from longwire.durable.record import Key
from tests.unit.engine.durable_bench import (
    DURABLE,
    OTHER_PAGE,
    PROFILE,
    Daemon,
    Feeds,
    Tab,
    policy,
    running_daemon,
)
from tests.unit.engine.harness import PAGE

# Who has a grant with `durable` of their own, and finds their own requests alone.
OTHERS: dict[str, dict[str, Any]] = {
    "another origin": {"origin": OTHER_PAGE},
    "another profile": {"profile": "profile-2"},
    "another port by another name": {"origin": "http://127.0.0.1:5173"},
}
# Who has none at all.
NOBODIES: dict[str, dict[str, Any]] = {
    "a frame of the page": {"frame": 3},
    "a private window": {"private": True},
    "the writer": {"principal": "writer"},
    "a page without a profile": {"profile": None},
    "an empty profile": {"profile": ""},
    "a page without a grant": {"origin": "http://localhost:9"},
}
PAGES = f'"{PAGE}", "{OTHER_PAGE}", "http://127.0.0.1:5173"'


@pytest.fixture
async def feeds() -> AsyncIterator[Feeds]:
    feeds = Feeds()
    async with feeds.server:
        yield feeds


async def victim(tab: Tab, feeds: Feeds) -> None:
    """A page that has a durable request, of which something is here."""
    reading = tab.ask("secret-key", body=b"question")
    (await feeds.feed()).send(b"the answer")
    await reading.until(10)


def without_ids(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in ("id", "timings")}


class Watched:
    """What a daemon's disk is asked, while somebody asks the daemon."""

    def __init__(self, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        for name in ("find", "claim", "delete", "records"):
            monkeypatch.setattr(daemon.requests.keeping, name, self._noting(name, daemon))

    def _noting(self, name: str, daemon: Daemon) -> Any:
        asked = getattr(daemon.requests.keeping, name)

        async def noting(*arguments: Any) -> Any:
            self.steps.append(name)
            return await asked(*arguments)

        return noting

    def taken(self) -> list[str]:
        steps, self.steps = self.steps, []
        return steps


@pytest.mark.parametrize("who", OTHERS)
async def test_another_page_finds_its_own_request_under_that_key(tmp_path: Path, feeds: Feeds, who: str) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, pages=PAGES)) as daemon, daemon.tab() as tab:
        await victim(tab, feeds)
        async with daemon.tab(tab=2, **OTHERS[who]) as other:
            assert await other.list() == []
            theirs = other.ask("secret-key", body=b"question")
            (await feeds.feed(1)).send(b"another").end()
            await theirs.terminal()
            assert theirs.body == b"another"
            await other.desk("longwire:durable/secret-key", "DELETE").terminal()
        [told] = await tab.list()
        assert (told["state"], told["bytes"]) == ("running", 10)


@pytest.mark.parametrize("who", OTHERS)
async def test_for_another_page_a_key_that_is_there_is_like_one_that_is_not(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, pages=PAGES)) as daemon, daemon.tab() as tab:
        await victim(tab, feeds)
        watched = Watched(daemon, monkeypatch)
        async with daemon.tab(tab=2, **OTHERS[who]) as other:
            found: list[Any] = []
            for key in ("secret-key", "nobodys-key"):
                answers = [
                    await other.ask(key, offset=1).terminal(),
                    await other.ask(key, body=b"other", offset=10).terminal(),
                    await other.desk(f"longwire:durable/{key}", "DELETE").head(),
                    await other.desk(f"longwire:durable/{key}").head(),
                    await other.desk(f"longwire:durable/{key}?offset=-1", "HEAD").head(),
                ]
                seen = [{**without_ids(answer), "url": ""} for answer in answers]
                found.append((seen, watched.taken()))
            assert found[0] == found[1]
    assert len(feeds.requests) == 1


@pytest.mark.parametrize("who", NOBODIES)
async def test_who_can_have_none_hears_the_same_of_every_key(tmp_path: Path, feeds: Feeds, who: str) -> None:
    text = policy(feeds, more="private_windows = true")
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        await victim(tab, feeds)
        async with daemon.tab(tab=2, **NOBODIES[who]) as other:
            heard = []
            for key in ("secret-key", "nobodys-key"):
                answers = [
                    await other.ask(key, body=b"question").terminal(),
                    await other.ask(key, body=b"other", offset=3).terminal(),
                    await other.desk(f"longwire:durable/{key}", "DELETE").terminal(),
                    await other.desk(f"longwire:durable/{key}?offset=-1").terminal(),
                    await other.desk().terminal(),
                ]
                assert {answer["code"] for answer in answers} == {"POLICY_DENIED"}
                heard.append([without_ids(answer) for answer in answers])
            assert heard[0] == heard[1]
        [told] = await tab.list()
        assert told["state"] == "running"
    assert len(feeds.requests) == 1


async def test_the_policy_is_asked_at_each_attach(tmp_path: Path, feeds: Feeds) -> None:
    """Also where it changes in the very moment: what `decide` says is what counts, not what was said before."""
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await victim(tab, feeds)
        reading = tab.ask("secret-key", body=b"question")
        await reading.until(10)
        daemon.policy_file.write_text(policy(feeds, DURABLE).replace('"POST", ', ""))
        refused = await tab.ask("secret-key", body=b"question").terminal()
        assert refused["code"] == "POLICY_DENIED"
        assert (await reading.terminal())["code"] == "POLICY_DENIED"


async def test_what_one_connection_names_is_no_other_profiles(tmp_path: Path, feeds: Feeds) -> None:
    """No two of these are one key, however they are put together."""
    keys = {
        Key(profile, origin, name).id
        for profile in ("a", "ab", 'a","b', "")
        for origin in ("b", "bc", 'b","c', "")
        for name in ("c", "", '","', "bc")
    }
    assert len(keys) == 4 * 4 * 4
    assert Key(PROFILE, PAGE, "x").id != Key(PROFILE, OTHER_PAGE, "x").id
