"""Version skew: an extension that speaks another protocol than this host, or knows less of it."""

from collections.abc import Collection
from typing import Final

from longwire import __version__
from longwire.protocol.errors import ErrorCode, LongwireError
from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.protocol.messages import FromHost, Policy, StreamHeaders, Welcome

# The name of PolicySummary's `writer` in the `knows` of HELLO.
WRITER: Final = "writer"
# That of `grant`, of STREAM_HEADERS and STREAM_ERROR.
GRANT: Final = "grant"
# And of WELCOME's `takes`, with what that says.
TAKES: Final = "takes"
TAKEN: Final = ["SWITCHES"]


def as_known(message: FromHost, knows: Collection[str]) -> FromHost:
    """A message without what an extension that `knows` so much, by its HELLO, would refuse it for."""
    if isinstance(message, Welcome) and TAKES not in knows:
        message = message.model_copy(update={"takes": None})
    if isinstance(message, Welcome | Policy) and message.policy.writer is not None and WRITER not in knows:
        return message.model_copy(update={"policy": message.policy.model_copy(update={"writer": None})})
    return message


def head_as_known(head: StreamHeaders, knows: Collection[str]) -> StreamHeaders:
    """The same of a head."""
    return head if head.grant is None or GRANT in knows else head.model_copy(update={"grant": None})


class VersionMismatch(LongwireError):
    """VERSION_MISMATCH. `theirs` is the extension's protocol; `fix` says which side is to be updated."""

    def __init__(self, theirs: int, extension: str) -> None:
        super().__init__(
            ErrorCode.VERSION_MISMATCH,
            f"extension {extension} speaks protocol {theirs}, host {__version__} speaks {PROTOCOL_VERSION}",
        )
        older = "the extension" if theirs < PROTOCOL_VERSION else "the native host"
        self.fix = f"update {older}, then reload the extension"
