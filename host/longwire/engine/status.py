"""What an extension hears of the policy: in WELCOME, in POLICY when it changes, and in STATUS when somebody asks."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypedDict

import anyio

from longwire import __version__
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy import Policy
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS, PROTOCOL_VERSION
from longwire.protocol.messages import Status, StatusRequest
from longwire.protocol.records import BridgeState, Obstacle, Page, PolicyState, PolicySummary, ProviderOffer

# A policy is read before the greeting that tells of it, unless that takes so long; then POLICY tells.
FIRST_POLICY_S: Final = 0.5


class PolicyStatus:
    """Follows the policy and what is suspended, and tells of both. One per engine; see `engine.Rules`."""

    def __init__(self, policy: LivePolicy, keeper: SuspensionKeeper) -> None:
        self._policy = policy
        self._keeper = keeper
        # What each page was told of the policy since the last piece of input came. Looking at the files costs more than
        # all else in an answer, and what came in one piece was asked at one time.
        self._told: dict[str, _StatusFields] = {}

    async def follow(self) -> None:
        """See changes of the policy without being asked. Runs until it is cancelled."""
        await self._policy.follow()

    async def first(self) -> None:
        """Return when there is a policy to tell of, or after `FIRST_POLICY_S`."""
        with anyio.move_on_after(FIRST_POLICY_S), suppress(StreamError):
            await self._policy.settled()

    async def tick(self) -> None:
        """Once a second or so: look for changes, of both."""
        self._policy.poke()  # whoever watches it hears of a change
        await self._keeper.keep_up()

    async def keep(self) -> None:
        """Write down what is suspended and not written yet."""
        await self._keeper.keep_up()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called when there is something new to tell. It must not raise. Returns what ends that."""

        def forget() -> None:
            self._told.clear()
            changed()

        unwatch = self._policy.watch(lambda _: forget())
        # Popups ask anew when they hear of the policy.
        unwatch_suspensions = self._keeper.suspensions.watch(forget)

        def end() -> None:
            unwatch()
            unwatch_suspensions()

        return end

    def summary(self) -> PolicySummary:
        """Of what is in force, for WELCOME and POLICY."""
        return self._policy.current().summary()

    def another_time(self) -> None:
        """What is asked from now on is asked later than what was asked before."""
        self._told.clear()

    def answer(self, asked: StatusRequest) -> Status | None:
        """The answer; None if it takes a look at files that have changed: see `answer_later`."""
        if asked.page.asker in self._told or self._policy.at_rest:
            return self._answer(asked)
        return None

    async def answer_later(self, asked: StatusRequest) -> Status:
        """The answer, by the policy as it is now if that can be known within the patience of `LivePolicy.settled`."""
        with suppress(StreamError):  # then the answer is by what is in force
            await self._policy.settled()
        return self._answer(asked)

    def _answer(self, asked: StatusRequest) -> Status:
        page = asked.page
        fields = self._told.get(page.asker)
        if fields is None:
            policy = self._policy.current()
            invalid = policy.state is PolicyState.INVALID
            # Here: a host that starts is not asked yet, and a stream waits for it.
            from longwire.engine.judging import Judge

            # A keyring may ask its person, who asked for nothing here; and a command may take a while.
            obstacles = Judge(policy, self._keeper.suspensions, ask_keyrings=False).obstacles(page)
            fields = self._told[page.asker] = _StatusFields(
                state=BridgeState.POLICY_INVALID if invalid else BridgeState.READY,
                destinations=policy.destinations_for(page.origin, private=page.private, principal=page.asks_as),
                providers=_offers(policy, page) or None,
                fix=_policy_fix(policy)
                or policy.closed_to(page.origin, private=page.private, principal=page.asks_as)
                or (obstacles[0].message if obstacles else None),
                obstacles=obstacles or None,
            )
        return Status(type="STATUS", request=asked.request, host=__version__, protocol=PROTOCOL_VERSION, **fields)


def _offers(policy: Policy, page: Page) -> list[ProviderOffer]:
    return [
        ProviderOffer(name=name, models=list(models))
        for name, models in policy.providers_for(page.origin, private=page.private, principal=page.asks_as)
    ]


def _policy_fix(policy: Policy) -> str | None:
    """What a page may hear of a policy that opens nothing: line and field, not where this user's files lie."""
    if policy.state is PolicyState.MISSING:
        return "there is no policy file, so nothing is open; `longwire policy show` says where it belongs"
    if policy.unread:
        return f"the policy file {policy.problems[0].finding}"[:MAX_MESSAGE_CHARS]
    if policy.problems:
        return f"mend the policy file: {policy.problems[0].finding}"[:MAX_MESSAGE_CHARS]
    return None


class _StatusFields(TypedDict):
    """What of a STATUS depends on the policy."""

    state: BridgeState
    destinations: list[str]
    providers: list[ProviderOffer] | None
    fix: str | None
    obstacles: list[Obstacle] | None
