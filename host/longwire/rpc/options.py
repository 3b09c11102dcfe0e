"""What a peer is made with."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from longwire.rpc.errors import RpcError
from longwire.rpc.link import CoreOptions


def _ignore(error: RpcError, stream_id: str | None) -> None:
    """Nobody asked to be told."""


@dataclass(frozen=True, kw_only=True)
class PeerOptions:
    """Sizes in bytes, times in seconds; docs/rpc.md explains each."""

    window: int = 64 * 1024
    max_message_bytes: int = 16 * 1024 * 1024
    max_streams: int = 1024
    max_requests: int = 256
    max_unclaimed_bytes: int = 8 * 1024 * 1024
    unclaimed_timeout_s: float = 10
    max_plain_bytes: int = 16 * 1024 * 1024
    hello_timeout_s: float = 10
    resume_timeout_s: float = 30
    compress: bool = True
    # Whether the text of an exception that is no RpcError goes to the other side.
    expose_errors: bool = False
    # Told of what the other side does against the protocol, and of streams that nobody received.
    on_warning: Callable[[RpcError, str | None], None] = _ignore

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be."""
        for name, value in vars(self).items():
            if isinstance(value, int | float) and not isinstance(value, bool) and not value > 0:
                raise ValueError(f"{name} is a number above 0")

    def for_core(self, role: Literal["connect", "accept"], *, resumable: bool) -> CoreOptions:
        """In the core's units, with a token that nobody guesses."""
        return CoreOptions(
            role=role,
            token=secrets.token_hex(16),
            window=self.window,
            max_message_bytes=self.max_message_bytes,
            max_streams=self.max_streams,
            max_requests=self.max_requests,
            max_unclaimed_bytes=self.max_unclaimed_bytes,
            unclaimed_timeout_ms=self.unclaimed_timeout_s * 1000,
            max_plain_bytes=self.max_plain_bytes,
            hello_timeout_ms=self.hello_timeout_s * 1000,
            resume_timeout_ms=self.resume_timeout_s * 1000,
            resumable=resumable,
            deflate=self.compress,
        )
