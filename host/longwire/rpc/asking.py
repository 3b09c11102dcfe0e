"""The requests of this side, and who waits for their answers."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from longwire.rpc import events as event
from longwire.rpc.core import Core
from longwire.rpc.messages import written


class Asking:
    """A future for each."""

    def __init__(self, core: Core, pump: Callable[[], None], now: Callable[[], float]) -> None:
        self._core = core
        self._pump = pump
        self._now = now
        self._asked: dict[str, asyncio.Future[Any]] = {}

    async def request(self, data: Any, timeout_s: float) -> Any:
        """What the other side answers. Raises RpcError, as `Peer.request` says."""
        request_id = secrets.token_hex(16)
        self._core.request(request_id, written(data), self._now() + timeout_s * 1000)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answer
        self._pump()
        try:
            return await answer
        finally:
            if self._asked.pop(request_id, None) is not None:
                self._core.cancel_request(request_id)
                self._pump()

    def answered(self, happened: event.Answered) -> None:
        """One of them is over."""
        answer = self._asked.pop(happened.request_id, None)
        if answer is None or answer.done():
            return
        if happened.error is None:
            answer.set_result(happened.data)
        else:
            answer.set_exception(happened.error)
