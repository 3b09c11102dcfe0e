"""WELCOME tells of a policy if there is one soon, and does not wait for one that takes long to count."""

from pathlib import Path

import anyio
import pytest

from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy import Locations, Policy, Suspensions
from longwire.policy.files import PolicyFiles
from longwire.policy.live_policy import LivePolicy
from tests.patience import PATIENCE_S


class Uncounted(LivePolicy):
    """Its file is never read to the end."""

    async def settled(self) -> Policy:
        await anyio.sleep_forever()
        raise AssertionError


async def test_the_greeting_waits_for_a_policy_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longwire.engine.status.FIRST_POLICY_S", 0.01)
    places = Locations(administrator=tmp_path / "administrator.toml", user=tmp_path / "policy.toml")
    status = PolicyStatus(Uncounted(PolicyFiles(places)), SuspensionKeeper(Suspensions()))
    with anyio.fail_after(PATIENCE_S):
        await status.first()
