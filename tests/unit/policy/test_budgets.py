"""Budgets over real files: shared by processes, kept when one is killed, closed where nothing can be written down."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.policy import budget_files
from longwire.policy.budget_files import Act, BudgetFiles, BudgetKey
from longwire.policy.budget_ledger import Amount, Bound, Ledger, Limit
from longwire.policy.budgets import BUDGETS_COMMAND, Budgets
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.storage.lock import exclusive
from tests.patience import PATIENCE_S

START = 1_700_000_000_000
MINUTE = 60_000
DAY = 86_400_000
KEY = BudgetKey("user", "openai", "https://*.tools.example.com")
OTHER = BudgetKey("user", "openai", "https://other.example.com")

# A process that reserves 64 times at once when it is told to, and says how many it was given.
MANY = """
import asyncio, sys
from pathlib import Path
from longwire.policy.budgets import BudgetFiles, BudgetKey, Budgets, Limit
from longwire.protocol.errors import StreamError

async def main() -> None:
    budgets = Budgets(BudgetFiles(Path(sys.argv[1])))
    limits = [Limit("requests", 100, None, 86_400_000), Limit("tokens", 1_000, None, 3_600_000)]
    async def one() -> int:
        try:
            await budgets.reserve(BudgetKey("user", "openai", "p"), limits, tokens=int(sys.argv[2]))
        except StreamError as error:
            assert error.retry_after_ms, error
            return 0
        return 1
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(await asyncio.gather(*(one() for _ in range(64)))), flush=True)

asyncio.run(main())
"""

# One that reserves again and again, and says so each time that it was given one.
AGAIN = """
import asyncio, sys
from pathlib import Path
from longwire.policy.budgets import BudgetFiles, BudgetKey, Budgets, Limit

async def main() -> None:
    budgets = Budgets(BudgetFiles(Path(sys.argv[1])))
    while True:
        await budgets.reserve(BudgetKey("user", "openai", "p"), [Limit("tokens", 10**9, None, 86_400_000)], tokens=7)
        print("reserved", flush=True)

asyncio.run(main())
"""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(tmp_path: Path) -> BudgetFiles:
    return BudgetFiles(tmp_path / "state" / "budgets")


@pytest.fixture
def budgets(files: BudgetFiles, clock: Clock) -> Budgets:
    return Budgets(files, clock)


def tokens(count: int, window_ms: int = DAY) -> list[Limit]:
    return [Limit("tokens", count, None, window_ms)]


async def refused(budgets: Budgets, limits: list[Limit], *, tokens: int = 1, key: BudgetKey = KEY) -> StreamError:
    with pytest.raises(StreamError) as raised:
        await budgets.reserve(key, limits, tokens=tokens)
    assert (raised.value.code, raised.value.phase) == (ErrorCode.LIMIT_EXCEEDED, Phase.POLICY)
    return raised.value


def spent(files: BudgetFiles, key: BudgetKey = KEY) -> Amount:
    """As the longest window has it, with the clock where it was."""
    (ledger,) = [ledger for each, ledger in files.all()[0] if each == key]
    return max(ledger.tracks, key=lambda track: track.window_ms).spent()


@contextmanager
def process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


# --- many at once, and the end of a process --------------------------------------------------------------------------


# By their number alone, and by what they cost where it does not divide.
@pytest.mark.parametrize(("each", "fit"), [(0, 100), pytest.param(10, 100, marks=pytest.mark.long), (11, 90)])
def test_of_256_requests_from_four_processes_exactly_as_many_pass_as_fit(tmp_path: Path, each: int, fit: int) -> None:
    with (
        process(MANY, str(tmp_path), str(each)) as one,
        process(MANY, str(tmp_path), str(each)) as two,
        process(MANY, str(tmp_path), str(each)) as three,
        process(MANY, str(tmp_path), str(each)) as four,
    ):
        all_of_them = (one, two, three, four)
        assert [line(running) for running in all_of_them] == ["ready"] * 4
        for running in all_of_them:
            assert running.stdin is not None
            running.stdin.write("go\n")
            running.stdin.flush()
        assert sum(int(line(running)) for running in all_of_them) == fit


def test_what_was_reserved_when_a_process_was_killed_stays_spent(files: BudgetFiles) -> None:
    key = BudgetKey("user", "openai", "p")
    told = 0
    for _ in range(5):
        with process(AGAIN, str(files.folder)) as running:
            for _ in range(3):
                assert line(running) == "reserved"
                told += 1
            running.send_signal(signal.SIGKILL)
            # What it wrote and could not say any more is spent as well.
            told += len(running.stdout.read().split()) if running.stdout else 0
        amount = spent(files, key)
        assert amount.requests >= told
        assert amount.tokens == 7 * amount.requests
        told = amount.requests


async def test_a_reservation_is_on_the_disk_when_it_is_given(
    files: BudgetFiles, budgets: Budgets, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        synced.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    await budgets.reserve(KEY, tokens(100), tokens=60)
    assert len(synced) >= 2  # the file, and the folder that has its name
    assert spent(files) == Amount(1, 60)
    (path,) = files.folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


class HeldUp(BudgetFiles):
    """Files that are written when a test lets them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun = threading.Event()
        self.may = threading.Event()

    def change(self, key: BudgetKey, acts: Sequence[Act]) -> None:
        self.begun.set()
        assert self.may.wait(PATIENCE_S)
        super().change(key, acts)


async def test_who_gives_up_while_it_is_written_down_has_spent_a_request_and_nothing_else(
    tmp_path: Path, clock: Clock
) -> None:
    files = HeldUp(tmp_path)
    budgets = Budgets(files, clock)
    first = asyncio.ensure_future(budgets.reserve(KEY, tokens(100), tokens=100))
    assert await asyncio.to_thread(files.begun.wait, PATIENCE_S)
    first.cancel()
    second = asyncio.ensure_future(budgets.reserve(KEY, tokens(100), tokens=1))
    await asyncio.sleep(0)
    second.cancel()  # of which nothing was begun
    for given_up in (first, second):
        with pytest.raises(asyncio.CancelledError):
            await given_up
    files.may.set()
    await budgets.reserve(KEY, tokens(100), tokens=0)  # behind what gives the first one back
    await budgets.reserve(KEY, tokens(100), tokens=100)
    assert spent(files) == Amount(3, 100)


async def test_a_settlement_is_written_down_although_who_asked_for_it_is_gone(tmp_path: Path, clock: Clock) -> None:
    files = HeldUp(tmp_path)
    budgets = Budgets(files, clock)
    files.may.set()
    held = await budgets.reserve(KEY, tokens(100), tokens=100)
    files.begun.clear()
    files.may.clear()
    before_it = asyncio.ensure_future(budgets.reserve(KEY, tokens(100), tokens=0))
    assert await asyncio.to_thread(files.begun.wait, PATIENCE_S)
    settling = asyncio.ensure_future(held.settle(3))
    await asyncio.sleep(0)
    settling.cancel()  # of which nothing was begun
    with pytest.raises(asyncio.CancelledError):
        await settling
    files.may.set()
    await before_it
    await budgets.reserve(KEY, tokens(100), tokens=97)


# --- one request after another ---------------------------------------------------------------------------------------


async def test_a_refusal_says_which_provider_which_limit_and_when_there_is_room(budgets: Budgets, clock: Clock) -> None:
    limits = [Limit("requests", 2, None, 15 * MINUTE), *tokens(100_000)]
    await budgets.reserve(KEY, limits, tokens=60_000)
    clock.now += 5 * MINUTE
    await budgets.reserve(KEY, limits, tokens=30_000)
    error = await refused(budgets, limits, tokens=5)
    assert error.retryable
    assert error.retry_after_ms is not None
    assert 10 * MINUTE <= error.retry_after_ms <= 10 * MINUTE + 15_000
    assert error.text.startswith(
        'the provider "openai" allows this page 2 requests per 15m; there is room again in 10m'
    )
    assert "tools.example.com" not in error.text
    assert "tools.example.com" in error.reason
    error = await refused(budgets, limits, tokens=20_000)
    assert "allows this page 100000 tokens per day, and this request may take 20000 tokens; there is" in error.text
    clock.now += error.retry_after_ms or 0
    await budgets.reserve(KEY, limits, tokens=20_000)


async def test_what_no_window_could_hold_is_refused_for_good(files: BudgetFiles, budgets: Budgets) -> None:
    error = await refused(budgets, tokens(100), tokens=101)
    assert (error.retryable, error.retry_after_ms) == (False, None)
    assert "ask for less with maxTokens" in error.text
    error = await refused(budgets, [Limit("requests", 0, None, DAY)])
    assert (error.retryable, error.retry_after_ms) == (False, None)
    assert spent(files) == Amount()


async def test_a_limit_of_cost_without_prices_is_refused_for_good_and_says_what_to_write(budgets: Budgets) -> None:
    error = await refused(budgets, [Limit("cost", Decimal(5), "USD", DAY)])
    assert (error.retryable, error.retry_after_ms) == (False, None)
    assert "`prices`" in error.text
    assert "USD" in error.text


async def test_money_is_held_and_settled(files: BudgetFiles, budgets: Budgets) -> None:
    limits = [Limit("cost", Decimal("0.5"), "USD", DAY)]
    held = await budgets.reserve(KEY, limits, tokens=10, cost=Decimal("0.4"), currency="USD")
    with pytest.raises(StreamError, match=r"0\.5 USD per day, and this request may take 0\.2 USD; there is room"):
        await budgets.reserve(KEY, limits, tokens=1, cost=Decimal("0.2"), currency="USD")
    await held.settle(4, Decimal("0.1"))
    await budgets.reserve(KEY, limits, tokens=1, cost=Decimal("0.4"), currency="USD")
    assert spent(files) == Amount(2, 5, {"USD": 500_000_000_000})


async def test_a_reservation_is_settled_or_given_back_once(files: BudgetFiles, budgets: Budgets) -> None:
    held = await budgets.reserve(KEY, tokens(100), tokens=50)
    await budgets.reserve(KEY, tokens(100), tokens=50)
    await held.settle(20)
    await held.settle(0)
    await held.give_back()
    assert spent(files) == Amount(2, 70)


async def test_every_entry_of_pages_has_a_budget_of_its_own(budgets: Budgets) -> None:
    await budgets.reserve(KEY, tokens(100), tokens=100)
    await refused(budgets, tokens(100))
    await budgets.reserve(OTHER, tokens(100), tokens=100)
    await budgets.reserve(KEY._replace(source="administrator"), tokens(100), tokens=100)
    await budgets.reserve(KEY._replace(provider="ollama"), tokens(100), tokens=100)


async def test_without_limits_nothing_is_written(files: BudgetFiles, budgets: Budgets) -> None:
    held = await budgets.reserve(KEY, [], tokens=100)
    await held.settle(3)
    assert not files.folder.exists()


# --- files that cannot be used ---------------------------------------------------------------------------------------

WELL = {
    "version": 1,
    "source": "user",
    "provider": "openai",
    "pages": KEY.pages,
    "time_ms": 5,
    "ahead_ms": 0,
    "tracks": [],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        json.dumps({**WELL, "version": 2}),
        json.dumps({**WELL, "provider": "another"}),
        json.dumps({**WELL, "time_ms": -1}),
        json.dumps({**WELL, "tracks": [{"id": "a", "window_ms": 0, "wanted_ms": 0, "slices": []}]}),
        json.dumps({**WELL, "tracks": [{"id": "a", "window_ms": 9, "wanted_ms": 0, "slices": [[1, -1, 0, {}]]}]}),
        json.dumps({**WELL, "tracks": [{"id": "a", "window_ms": 9, "wanted_ms": 0, "slices": [[1, 1, 0]]}]}),
        "[" * 100_000,
        " " * (budget_files.MAX_FILE_BYTES + 1),
    ],
    ids=[
        "empty", "half", "list", "version", "key", "time", "window", "negative", "short", "deep", "large",
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_used_closes_its_provider_and_no_other(
    files: BudgetFiles, budgets: Budgets, text: str
) -> None:
    await budgets.reserve(KEY, tokens(100), tokens=1)
    (path,) = files.folder.iterdir()
    path.write_text(text)
    error = await refused(budgets, tokens(100))
    assert (error.retryable, error.command) == (False, BUDGETS_COMMAND)
    assert str(path) in error.reason
    assert "delete it" in error.reason
    assert str(files.folder) not in error.text
    assert path.read_text() == text
    await budgets.reserve(OTHER, tokens(100), tokens=1)
    assert path.read_text() == text  # nor does the file of another budget that is new have it removed
    ledgers, problems = files.all()
    assert [key for key, _ in ledgers] == [OTHER]
    assert [problem.what for problem in problems] == [
        f"{path} is too large to be what it should" if len(text) > 200_000 else f"{path} is damaged"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
async def test_a_file_that_others_may_write_is_not_believed(files: BudgetFiles, budgets: Budgets) -> None:
    await budgets.reserve(KEY, tokens(100), tokens=1)
    (path,) = files.folder.iterdir()
    path.chmod(0o622)
    assert "may be written by others" in (await refused(budgets, tokens(100))).reason
    path.unlink()
    path.mkdir()
    assert "is not a regular file" in (await refused(budgets, tokens(100))).reason


async def test_where_nothing_can_be_written_nothing_is_spent(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("")
    budgets = Budgets(BudgetFiles(tmp_path / "file" / "budgets"), clock)
    error = await refused(budgets, tokens(100))
    assert (error.retryable, error.retry_after_ms, error.command) == (False, None, BUDGETS_COMMAND)
    assert "cannot be written" in error.reason
    assert str(tmp_path) not in error.text


async def test_a_full_disk_lets_nothing_through_and_changes_nothing(
    files: BudgetFiles, budgets: Budgets, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = await budgets.reserve(KEY, tokens(100), tokens=60)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, structlog.testing.capture_logs() as lines:
        patched.setattr(os, "fsync", full)
        assert "No space left on device" in (await refused(budgets, tokens(100))).reason
        await held.settle(1)
        await budgets.change(KEY, lambda ledger, now: None)
    assert [line["event"] for line in lines] == ["budget not settled"]
    assert spent(files) == Amount(1, 60)
    assert len(list(files.folder.iterdir())) == 1


async def test_where_others_hold_the_lock_too_long_it_may_be_tried_again(
    files: BudgetFiles, budgets: Budgets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_files, "LOCK_PATIENCE_S", 0.01)
    await budgets.reserve(KEY, tokens(100), tokens=1)
    with exclusive(files.folder):
        assert (await refused(budgets, tokens(100))).retryable
    await budgets.reserve(KEY, tokens(100), tokens=1)


# --- what is in the folder -------------------------------------------------------------------------------------------


async def test_ledgers_that_count_nothing_any_more_go_when_a_new_one_comes(
    files: BudgetFiles, budgets: Budgets, clock: Clock
) -> None:
    for number in range(20):
        clock.now += DAY // 4
        await budgets.reserve(KEY._replace(pages=f"https://{number}.example.com"), tokens(100, DAY), tokens=1)
        assert len(list(files.folder.iterdir())) <= 6


async def test_a_reset_forgets_one_provider_for_all_pages(files: BudgetFiles, budgets: Budgets) -> None:
    held = await budgets.reserve(KEY, tokens(100), tokens=100)
    await budgets.reserve(OTHER, tokens(100), tokens=100)
    await budgets.reserve(KEY._replace(provider="ollama"), tokens(100), tokens=100)
    assert files.reset("openai") == [KEY, OTHER]
    assert files.reset("openai") == []
    await refused(budgets, tokens(100), key=KEY._replace(provider="ollama"))
    await budgets.reserve(KEY, tokens(100), tokens=100)
    # Of what was reserved before it, nothing is taken out of what came after.
    await held.settle(0)
    await refused(budgets, tokens(100))


def test_a_reset_without_a_folder_has_nothing_to_forget(files: BudgetFiles) -> None:
    assert files.reset("openai") == []
    assert files.all() == ([], [])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=30),
    st.text(min_size=1, max_size=40),
)
def test_a_ledger_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]], pages: str
) -> None:
    files = BudgetFiles(tmp_path_factory.mktemp("budgets"))
    key = BudgetKey("administrator", "a provider", pages)
    limits = [Limit("requests", 10**6, None, 10**9), Limit("tokens", 10**12, None, 10**7)]
    kept, now = Ledger(), START
    for wait, some, cost in steps:
        now += wait - 10**8  # also back
        bound = Bound(some, Decimal(cost) / 1000, "EUR")
        kept.reserve(limits, bound, now, iter(["one", "two"]))

        def act(ledger: Ledger, _: Iterator[str], bound: Bound = bound, at: int = now) -> None:
            ledger.reserve(limits, bound, at, iter(["one", "two"]))

        files.change(key, [act])
        assert files.all() == ([(key, kept)], [])


async def test_the_file_does_not_grow_with_requests(files: BudgetFiles, budgets: Budgets, clock: Clock) -> None:
    limits = [Limit("requests", 10**9, None, 15 * MINUTE), *tokens(10**12), Limit("cost", 10**6, "USD", 31 * DAY)]

    def ten_thousand(ledger: Ledger, now: int) -> None:
        names = iter("abc")
        for number in range(10_000):
            ledger.reserve(limits, Bound(1_000, Decimal("0.001"), "USD"), now + number * 270_000, names)
        clock.now = now + 10_000 * 270_000

    await budgets.change(KEY, ten_thousand)
    await budgets.reserve(KEY, limits, tokens=1, cost=Decimal(1), currency="USD")
    (path,) = files.folder.iterdir()
    assert path.stat().st_size < 16 * 1024
