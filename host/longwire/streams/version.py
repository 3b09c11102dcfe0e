"""Version skew: an extension that speaks another protocol than this host."""

from longwire import __version__
from longwire.protocol.errors import ErrorCode, LongwireError
from longwire.protocol.limits import PROTOCOL_VERSION


class VersionMismatch(LongwireError):
    """VERSION_MISMATCH. `theirs` is the extension's protocol; `fix` says which side is to be updated."""

    def __init__(self, theirs: int, extension: str) -> None:
        super().__init__(
            ErrorCode.VERSION_MISMATCH,
            f"extension {extension} speaks protocol {theirs}, host {__version__} speaks {PROTOCOL_VERSION}",
        )
        older = "the extension" if theirs < PROTOCOL_VERSION else "the native host"
        self.fix = f"update {older}, then reload the extension"
