"""What a hit of the reflection guard means for the other streams, and how every host of the user comes to know it.

A hit takes effect in this process at once. A thread then writes it where every other host sees it: before it decides
about a request with a secret, before each piece of such a response, and once a second. Until the file is written, a
stream of another host shows what its own guard lets through: less than one needle, and its own first hit ends it.
"""

from collections.abc import Callable, Iterable
from typing import Final

import anyio
import anyio.to_thread
import structlog

from longwire.audit.vocabulary import PRIVATE
from longwire.policy import Grant, Policy, SecretSource, Suspension, Suspensions, UnusableState, suspend
from longwire.policy.urls import parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Page

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")

# A page hears of a hit when it is written down, and this much later at most: a disk may hang.
KEEP_PATIENCE_S: Final = 1.0


class SuspensionKeeper:
    """Has suspensions written down, without holding up the streams. One per process."""

    def __init__(self, suspensions: Suspensions) -> None:
        self.suspensions = suspensions
        self._one_at_a_time = anyio.Lock()
        self._thread = anyio.CapacityLimiter(1)  # not one of those that a resolver may keep
        self._failing = False
        self._told: UnusableState | None = None

    async def keep_up(self) -> None:
        """See what other hosts suspended, and write down what is not written yet."""
        self.suspensions.refresh()
        await self.keep()

    async def keep(self) -> None:
        """Write down what is not yet. Back when it is, when it cannot be, or after `KEEP_PATIENCE_S`."""
        unreadable = self.suspensions.problem
        if unreadable is not None and unreadable is not self._told:
            log.error("suspensions not readable", reason=unreadable.what)
        self._told = unreadable
        if not self.suspensions.unsaved:
            return
        with anyio.move_on_after(KEEP_PATIENCE_S, shield=True):
            async with self._one_at_a_time:
                await self._save(self.suspensions.unsaved)

    async def _save(self, pending: tuple[Suspension, ...]) -> None:
        save = self.suspensions.save
        problem = await anyio.to_thread.run_sync(save, pending, abandon_on_cancel=True, limiter=self._thread)
        if problem is None:
            self.suspensions.saved(pending)
        elif not self._failing:  # it is tried again every second
            log.error("suspension not kept", reason=problem.what)
        self._failing = problem is not None


class Carried:
    """The secrets that one stream sends, hop by hop, and whether it may go on with them."""

    def __init__(self, page: Page, keeper: SuspensionKeeper, policy: Callable[[], Policy]) -> None:
        self._page = page
        self._keeper = keeper
        self._suspensions = keeper.suspensions
        self._policy = policy
        self._secrets: list[tuple[Grant, SecretSource]] = []
        self._hit = False
        self._stopped: StreamError | None = None

    def watch(self, stop: Callable[[StreamError], None]) -> Callable[[], None]:
        """Call `stop`, once at most, as soon as one of them is suspended. Returns what ends that."""
        return self._suspensions.watch(lambda: self.judge_again(self._policy(), stop))

    def judge_again(self, policy: Policy, stop: Callable[[StreamError], None]) -> None:
        """Call `stop`, once at most, if one of them is suspended under this policy."""
        if self._hit or self._stopped is not None:
            return
        found = self._standing_against([source for _, source in self._secrets], policy)
        if found is not None:
            self._stopped = refusal(found, Phase.BODY)
            stop(self._stopped)

    def take(self, grant: Grant) -> None:
        """The next hop is this grant's, with its secrets.

        Raises:
            StreamError: SECRET_REFLECTED, phase `policy`: one of them is suspended for the page.
        """
        if not grant.secrets:
            return
        self._suspensions.refresh()
        found = self._standing_against(grant.secrets, self._policy())
        if found is not None:
            raise refusal(found, Phase.POLICY)
        # From now on, although they are yet to be read: a keyring may take a minute.
        self._secrets += [(grant, source) for source in grant.secrets]

    def check(self) -> None:
        """Before anything of an answer is shown: whether another host found one of them meanwhile.

        Raises:
            StreamError: SECRET_REFLECTED.
        """
        if self._secrets:
            self._suspensions.refresh()
        if self._stopped is not None:
            raise self._stopped

    def sent_back(self, secret: str, phase: Phase, stream: int) -> StreamError:
        """The server sent this one back: suspend it, which ends every other stream of the page that carries it.

        Returns the error for this stream.
        """
        self._hit = True
        origin = parse_origin(self._page.origin)
        found = [
            suspend(grant, source, origin, private=self._page.private)
            for grant, source in self._secrets
            if source.name == secret and grant.reflection_guard and origin is not None
        ]
        for each in found:
            where = PRIVATE if each.page is None else each.page
            log.warning("secret suspended", stream=stream, page=where, grant=each.grant, secret=secret)
        self._suspensions.hit(found)
        grant, release = (found[0].grant, found[0].release_command) if found else ("", "longwire policy release")
        return StreamError(
            ErrorCode.SECRET_REFLECTED,
            f'the server sent the secret "{secret}" of the grant "{grant}" back; the stream was ended before the page '
            f"could see it, and the secret is suspended for this page until `{release}` or a change of that grant. If "
            "the server must echo it, the policy can say reflection_guard = false in that grant",
            phase,
        )

    async def kept(self) -> None:
        """Back when what was sent back is written down, or cannot be."""
        if self._hit:
            await self._keeper.keep()

    def _standing_against(self, sources: Iterable[SecretSource], policy: Policy) -> Suspension | None:
        origin = parse_origin(self._page.origin)
        if origin is None:
            return None
        return self._suspensions.standing_against(policy, sources, origin, self._page.asks_as)


def refusal(found: Suspension, phase: Phase) -> StreamError:
    """What a request meets that would send it."""
    return StreamError(ErrorCode.SECRET_REFLECTED, _what_and_how(found), phase, command=found.release_command)


def _what_and_how(found: Suspension) -> str:
    return (
        f'the secret "{found.secret}" is suspended for this page: the server of the grant "{found.grant}" sent it '
        f"back. Make sure that it no longer does, then run `{found.release_command}`; a change of that grant lifts it "
        "too"
    )
