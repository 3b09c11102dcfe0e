"""A daemon may be killed at any step: a request that may have been sent keeps its key, and no byte is half there."""

import subprocess
import sys
from pathlib import Path

import pytest

from longwire.durable.record import RecordState
from longwire.durable.store import Store
from tests.printed import say
from tests.unit.durable.crashing import BODY, SCENARIOS
from tests.unit.durable.samples import names_in, request

# The least number of steps that each is killed at, so that a change that hides them from the killer is seen.
STEPS = {"asking": 20, "forgetting": 4, "dying": 12, "retiring": 16}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_any_step_it_leaves_what_was_sent_unknown_or_whole_and_never_free(
    tmp_path: Path, scenario: str
) -> None:
    subprocess.run([sys.executable, "-m", "tests.unit.durable.crashing", str(tmp_path), scenario], check=True)
    folders = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    for folder in folders:
        words = {path.suffix[1:] for path in tmp_path.glob(f"{folder.name}.*")}
        after_the_crash(folder, words)
    steps = len([folder for folder in folders if folder.name.startswith("before")]) - 1
    assert steps >= STEPS[scenario]
    say(f"durable store, {scenario}: killed before and after each of {steps} steps")


def after_the_crash(folder: Path, words: set[str]) -> None:
    """What the next daemon finds, by what the world had seen of the last one."""
    store = Store(folder, "next")
    assert store.unreadable() == [], folder.name
    bodies: set[str] = set()
    for name in ("first", "second"):
        record = store.find(request(name).key)
        if record is None:
            assert f"sent-{name}" not in words or f"forgetting-{name}" in words, folder.name
            continue
        assert f"forgotten-{name}" not in words
        if f"ended-{name}" in words:
            assert record.state == RecordState.ENDED, (folder.name, name)
        if record.state == RecordState.ENDED:
            assert store.spool(record.id).read(0, 2 * len(BODY)) == BODY
            bodies.add(record.id)
        else:
            assert record.state == RecordState.UNKNOWN
    records = {f"{record.id}.json" for record in store.records()}
    assert names_in(folder) == records | bodies, folder.name
    store.close()
