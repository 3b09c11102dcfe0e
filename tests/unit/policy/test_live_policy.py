"""How long a request waits for the policy."""

import threading
import time
from pathlib import Path

import anyio
import pytest

from longwire.policy import Locations, live_policy
from longwire.policy.files import Look, PolicyFiles
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import PolicyState
from tests.host_process import grant


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    file = tmp_path / "longwire" / "policy.toml"
    file.parent.mkdir(mode=0o700)
    file.write_text(grant("http://127.0.0.1:1/"))
    return Locations(tmp_path / "administrator.toml", file)


def test_a_file_that_takes_long_to_read_is_waited_for(locations: Locations, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between looks is left, and none is needed: the one look leads to something."""
    monkeypatch.setattr(live_policy, "WAIT_S", 0.0)

    async def asked() -> PolicyState:
        return (await LivePolicy(PolicyFiles(locations), settle_s=0).settled()).state

    assert anyio.run(asked) is PolicyState.OK


class Restless(PolicyFiles):
    """Another file at each look."""

    def look(self) -> Look:
        self.locations.user.write_text(f"# {time.monotonic_ns()}\n")
        return super().look()


class Silent(PolicyFiles):
    """A disk that answers when it is told to."""

    def __init__(self, locations: Locations) -> None:
        super().__init__(locations)
        self.answers = threading.Event()

    def look(self) -> Look:
        self.answers.wait()
        return super().look()


def test_a_file_that_is_another_at_each_look_is_refused_when_the_pauses_are_over(
    locations: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_policy, "WAIT_S", 0.05)
    monkeypatch.setattr(live_policy, "LONGEST_S", 3600.0)

    async def asked() -> None:
        await LivePolicy(Restless(locations), settle_s=0.01).settled()

    with pytest.raises(StreamError) as refused:
        anyio.run(asked)
    assert (refused.value.code, refused.value.retryable) == (ErrorCode.POLICY_INVALID, True)


def test_a_disk_that_does_not_answer_is_not_waited_for_without_end(
    locations: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_policy, "LONGEST_S", 0.05)
    files = Silent(locations)

    async def asked() -> None:
        try:
            await LivePolicy(files).settled()
        finally:
            files.answers.set()

    with pytest.raises(StreamError, match="is still being read"):
        anyio.run(asked)
