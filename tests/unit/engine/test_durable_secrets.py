"""No injected secret is kept: the guard looks at every byte before it is written down."""

from pathlib import Path

import pytest

from longwire.streams.memory import DecoderPools
from tests.unit.engine.durable_bench import Feeds, eventually, policy, running_daemon

SECRET = "sk-test-Zk3vQ8mW1xR7bN5cT9yL2pJ6"


def guarded(feeds: Feeds, folder: Path) -> str:
    """A policy that injects the secret."""
    key = folder / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    inject = 'inject = { Authorization = "Bearer {secret:key}" }'
    return policy(feeds, more=f'{inject}\n\n[secret.key]\nfile = "{key}"\n')


def written(folder: Path) -> bytes:
    """All that lies in the folder of durable requests."""
    return b"".join(file.read_bytes() for file in sorted((folder / "durable").rglob("*")) if file.is_file())


@pytest.mark.parametrize("in_pieces", [False, True])
async def test_a_secret_that_comes_back_is_neither_written_down_nor_told(
    tmp_path: Path, feeds: Feeds, in_pieces: bool
) -> None:
    async with running_daemon(tmp_path, feeds, text=guarded(feeds, tmp_path)) as daemon, daemon.tab() as tab:
        reading = tab.ask(body=b"what is my key?")
        feed = (await feeds.feed()).send(b"before ")
        assert feed.request.header("authorization") == f"Bearer {SECRET}"
        await reading.until(7)
        cut = [SECRET[at : at + 5].encode() for at in range(0, len(SECRET), 5)] if in_pieces else [SECRET.encode()]
        for piece in cut:
            feed.send(piece)
        ended = await reading.terminal()
        assert ended["code"] == "SECRET_REFLECTED"
        again = tab.ask(body=b"what is my key?")
        assert (await again.terminal())["code"] == "SECRET_REFLECTED"
        await eventually(lambda: b'"failed"' in written(tmp_path))
        for told in (reading.body, again.body, written(tmp_path)):
            # Fewer than 16 characters of it pass anywhere (threat 12).
            assert all(SECRET[at : at + 16].encode() not in told for at in range(len(SECRET) - 15))
    assert len(feeds.requests) == 1


async def test_neither_body_nor_headers_of_the_request_are_written_down(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=guarded(feeds, tmp_path)) as daemon, daemon.tab() as tab:
        reading = tab.ask(body=b"a private question", headers=[["x-mine", "a private header"]])
        (await feeds.feed()).send(b"answer").end()
        await reading.terminal()
        await eventually(lambda: b'"ended"' in written(tmp_path))
        for word in (b"private question", b"private header", SECRET.encode()):
            assert word not in written(tmp_path)


async def test_a_decoders_memory_is_lent_to_the_request_and_given_back(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the request's and not its page's: that may be gone."""
    lent: list[tuple[object, object, int]] = []
    borrow = DecoderPools.borrow

    def noting(pools: DecoderPools, tab: object, tab_frame: object, size: int) -> bool:
        lent.append((tab, tab_frame, size))
        return borrow(pools, tab, tab_frame, size)

    monkeypatch.setattr(DecoderPools, "borrow", noting)
    import brotli

    coded = brotli.compress(b"x" * 200_000)
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            tab.ask()
            feed = await feeds.feed()
            feed.head = feed.head.replace(b"X-Shown: yes", b"Content-Encoding: br")
            feed.send(coded[:-1])
            await eventually(lambda: lent != [])
        assert {borrower for *both, _ in lent for borrower in both} == {"http://localhost:5173"}
        pools = daemon.requests._decoders
        assert pools.lent_bytes > 0
        feed.send(coded[-1:]).end()
        await eventually(lambda: daemon.requests.kept == 1)
        await eventually(lambda: pools.lent_bytes == 0)
        async with daemon.tab() as tab:
            reading = tab.ask()
            assert (await reading.terminal())["bytes"] == 200_000
