"""One who looks at the streams of a host: looked at before a byte of it is believed, and told what lives."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import anyio
import structlog

from longwire import __version__
from longwire.daemon.lines import BadLine, Greeting, greeting_line, read_hail
from longwire.daemon.peer import ForeignPeer, own_peer
from longwire.engine.channel import ChannelLost
from longwire.native.guests import HAIL_S, answer_forever, receive_line
from longwire.native.own_system import SYSTEM
from longwire.native.system import Accepted, LocalChannel
from longwire.protocol.limits import PROTOCOL_VERSION

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.process")

# What lives in this host. See `Engine.look`.
Look = Callable[[], list[dict[str, Any]]]

_WHY: Final = "this is a host, and no daemon"


async def serve_watcher(connected: Accepted, look: Look, places: anyio.Semaphore) -> None:
    """Until it goes. Never raises but on cancellation."""
    channel = SYSTEM.channel(connected)
    try:
        own_peer(connected)
        async with places:
            await _serve(channel, look)
    except ForeignPeer as foreign:
        log.warning("refused peer", reason=str(foreign))
    except (BadLine, TimeoutError):
        log.warning("refused peer", reason="it does not say what it is")
    except ChannelLost:
        pass
    except Exception:  # a defect here must not take streams down
        log.exception("defect")
    finally:
        channel.drop()


async def _serve(channel: LocalChannel, look: Look) -> None:
    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        if question.get("do") == "streams":
            return {"pid": os.getpid(), "kind": "host", "streams": look()}
        return {"error": f"a host of the version {__version__} does not know {question.get('do')!r}"}

    with anyio.fail_after(HAIL_S):
        said = await receive_line(channel)
    if not said:
        return
    admin = read_hail(said).role == "admin"
    greeting = Greeting(__version__, PROTOCOL_VERSION, os.getpid(), "", serves=admin, why="" if admin else _WHY)
    await channel.write(greeting_line(greeting))
    if admin:
        await answer_forever(channel, answer)
    with suppress(ChannelLost):
        await channel.close()
