"""The host process: who started it, what it is made of, and how it ends within `EXIT_DEADLINE_MS` of end of input."""

import gc
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import anyio
import structlog

from longwire import __version__
from longwire.audit import log as host_log
from longwire.audit.last_words import LAST_WORDS
from longwire.engine.engine import Engine
from longwire.engine.exchange import Exchange, Kind, Kinds
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.engine.switches import refusing
from longwire.native.caller import caller_is_ours, shown_caller
from longwire.native.loading import load_for_first_stream, load_the_rest
from longwire.native.showing import show_when_wanted
from longwire.native.stdio import StdioChannel
from longwire.policy import SuspensionFile, Suspensions
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.messages import DEFAULT_KIND, DURABLE_KIND, GENERATION_KIND, WEBSOCKET_KIND
from longwire.turns import Turns

if TYPE_CHECKING:
    from longwire.native.kinds import Carriers

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.process")

EXIT_OK = 0
EXIT_MISUSE = 2
KINDS: Final = (DEFAULT_KIND, GENERATION_KIND, WEBSOCKET_KIND, DURABLE_KIND)


def serve(descriptors: tuple[int, int], argv: list[str], extensions: Sequence[str] = ()) -> int:
    """Serve one browser; returns the exit code."""
    LAST_WORDS.file = host_log.configure()
    LAST_WORDS.before_end = host_log.finish
    if not caller_is_ours(argv, extensions):
        print(  # noqa: T201
            "longwire-host is started by a browser for the Longwire extension, not by hand; try `longwire doctor`",
            file=sys.stderr,
        )
        log.error("refused caller", reason=f"started by {shown_caller(argv)}, not by the Longwire extension")
        return EXIT_MISUSE
    log.info("started", version=__version__, python=sys.version.split()[0])
    # What was imported lives as long as the process; to look through it again and again takes 25 ms each time.
    gc.freeze()
    try:
        anyio.run(_serve, descriptors)
    finally:
        host_log.finish()
    return EXIT_OK


def _need_daemon(engine: Engine) -> None:
    """The policy got its first durable grant: the next host finds it at its start, and is a pipe to the daemon."""
    log.info("daemon needed", reason="the policy has durable requests since this host started")
    engine.leave()


async def _serve(descriptors: tuple[int, int]) -> None:
    channel = StdioChannel(*descriptors)
    channel.start()
    turns = Turns()
    policy, keeper = LivePolicy(), SuspensionKeeper(Suspensions(SuspensionFile()))

    @cache
    def carriers() -> "Carriers":
        # Here: after WELCOME, see `loading`.
        load_the_rest()
        from longwire.native.kinds import Carriers

        return Carriers(policy, keeper, turns)

    @cache
    def kinds() -> Kinds:
        from longwire.native.kinds import without_daemon

        return without_daemon(carriers().kinds, policy, lambda: _need_daemon(engine))

    engine = Engine(
        {name: _kind_of(name, kinds) for name in KINDS}, PolicyStatus(policy, keeper), turns=turns, switched=refusing
    )
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(show_when_wanted, engine.look)
            tasks.start_soon(_load, engine)
            await engine.serve(channel)
            tasks.cancel_scope.cancel()
    finally:
        if carriers.cache_info().currsize:
            await carriers().close()


async def _load(engine: Engine) -> None:
    await engine.welcomed.wait()
    try:
        await load_for_first_stream()
    except ImportError:
        LAST_WORDS.welcomed = False  # to whoever reads the log this was a start that failed
        raise


def _kind_of(name: str, kinds: Callable[[], Kinds]) -> Kind:
    """That kind, made with its first exchange. No coroutine around its own: each stream would hold one."""

    def kind(exchange: Exchange) -> Awaitable[None]:
        return kinds()[name](exchange)

    return kind
