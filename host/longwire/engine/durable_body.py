"""The body of a durable request: whole in the daemon before anything of it is sent, for then its page may go."""

from typing import Final

from longwire.engine.exchange import Exchange
from longwire.engine.request_body import body_of
from longwire.fair_pool import FairPool
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MIB
from longwire.protocol.records import StreamedRequestBody

# One body. A grant allows less where its `max_bytes` is less.
MAX_BODY_BYTES: Final = 32 * MIB
# All of them, until they are sent. A page holds no more of it than it leaves.
BODIES_BYTES: Final = 128 * MIB


class HeldBody:
    """A request body, and the memory that it was lent. `release` may be called again."""

    def __init__(self, memory: FairPool, borrower: str) -> None:
        self.data: bytes = b""
        self.there = False
        self.handed_over = False  # to what sends it, and releases it then
        self._memory = memory
        self._borrower = borrower
        self._held = 0

    def hold(self, size: int) -> None:
        """Be lent `size` bytes more.

        Raises:
            StreamError: LIMIT_EXCEEDED.
        """
        if not self._memory.borrow_all(self._borrower, size):
            message = (
                "the bodies of durable requests that wait to be sent take up what one page may have of the "
                f"{BODIES_BYTES // MIB} MiB for all; try again when they are sent"
            )
            raise StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY)
        self._held += size

    def release(self) -> None:
        """It is held no longer."""
        self.data = b""
        self._memory.repay(self._borrower, self._held)
        self._held = 0


def check_body(exchange: Exchange, max_bytes: int) -> int:
    """How large a body may be; looks at what the start says of this one.

    Raises:
        StreamError: PROTOCOL, it has no size; LIMIT_EXCEEDED, it is too large.
    """
    start = exchange.start
    most = min(max_bytes, MAX_BODY_BYTES)
    if start.method in ("GET", "HEAD") and start.body.kind != "none":
        message = f"a request body with the method {start.method}; send it with another method, such as POST"
        raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
    if isinstance(start.body, StreamedRequestBody):
        if start.body.size is None:
            message = (
                "the body of a durable request has to have a size before it is sent; make it a Blob, an ArrayBuffer "
                "or a string, and not a ReadableStream"
            )
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        if start.body.size > most:
            raise _too_large(start.body.size, most)
    return most


async def whole_body(exchange: Exchange, most: int, memory: FairPool) -> HeldBody:
    """Wait until the page has sent all of it. Whoever has it, releases it.

    Raises:
        StreamError: LIMIT_EXCEEDED, it is too large, or too many are held.
        BadUpload: what the page sends is no body.
    """
    held = HeldBody(memory, exchange.asker)
    try:
        body = body_of(exchange)
        if body is None:
            return held
        held.there = True
        if isinstance(body, bytes):
            held.hold(len(body))
            held.data = body
        else:
            size = exchange.start.body.size if isinstance(exchange.start.body, StreamedRequestBody) else None
            held.hold(size or 0)  # all of it at once: two that are half here would wait for each other
            pieces = [piece async for piece in body]
            held.data = b"".join(pieces)
        exchange.body_gone()
        if len(held.data) > most:
            raise _too_large(len(held.data), most)
    except BaseException:
        held.release()
        raise
    return held


def _too_large(size: int, most: int) -> StreamError:
    message = f"the body has {size} bytes, and one of a durable request at most {most} here; send less"
    return StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY, retryable=False)
