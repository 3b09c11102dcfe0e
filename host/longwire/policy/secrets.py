"""Secrets by reference: a name in the policy, a value read at the moment of sending and not kept."""

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn

from longwire.protocol.errors import ErrorCode, Phase, StreamError

MAX_SECRET_BYTES: Final = 16 * 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Secret:
    """A value that prints as its name. `value` is text of one character per byte (latin-1), as header fields are."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value

    def reveal(self) -> str:
        """The value itself; for the request and the reflection guard, and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.name!r}, …)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not serialised")


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret lies: an environment variable's name, or a file's absolute path."""

    name: str
    kind: Literal["env", "file"]
    where: str

    def describe(self) -> str:
        """For messages: which secret, and where it is looked for."""
        place = f"environment variable {self.where}" if self.kind == "env" else f"file {self.where}"
        return f'secret "{self.name}" ({place})'

    def read(self, environ: Mapping[bytes, bytes] | None = None) -> Secret:
        """Read the value now. Blocks for one small file.

        `environ` is bytes by bytes, and the process environment by default.

        Raises:
            StreamError: SECRET_UNAVAILABLE, naming the secret, where it was looked for and what is wrong with it.
        """
        raw = self._from_env(environ) if self.kind == "env" else self._from_file()
        return Secret(self.name, self._checked(raw).decode("latin-1"))

    def _from_env(self, environ: Mapping[bytes, bytes] | None) -> bytes:
        value = (_process_environment() if environ is None else environ).get(os.fsencode(self.where))
        if value is None:
            # The commonest surprise: exported in a shell, while the browser was started from a desktop.
            raise self._unavailable("is not set in the environment that the browser was started with")
        return value

    def _from_file(self) -> bytes:
        try:
            # Not blocking: opening a FIFO would otherwise wait for its writer.
            descriptor = os.open(self.where, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            raise self._unavailable("does not exist") from None
        except PermissionError:
            raise self._unavailable("may not be read by the user that runs the browser") from None
        except OSError:
            raise self._unavailable("cannot be opened") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self._unavailable("is not a regular file")
            # One read of a regular file this small is the whole of it. Three more bytes: a line end, and one too
            # many.
            data = os.read(descriptor, MAX_SECRET_BYTES + 3)
        except OSError:
            raise self._unavailable("cannot be read") from None
        finally:
            os.close(descriptor)
        # Editors and `echo` end a file with a newline that is not part of the secret.
        return data.removesuffix(b"\n").removesuffix(b"\r")

    def _checked(self, value: bytes) -> bytes:
        if not value:
            raise self._unavailable("is empty")
        if len(value) > MAX_SECRET_BYTES:
            raise self._unavailable(f"is longer than {MAX_SECRET_BYTES} bytes")
        if value.startswith(_BYTE_ORDER_MARK):
            raise self._unavailable("begins with a byte-order mark: save the file as UTF-8 without one")
        if any(byte < 0x20 or byte == 0x7F for byte in value):
            raise self._unavailable("contains a line break or another control character, which no header may carry")
        if value[0] == 0x20 or value[-1] == 0x20:
            raise self._unavailable("begins or ends with a space")
        return value

    def _unavailable(self, what: str) -> StreamError:
        return StreamError(ErrorCode.SECRET_UNAVAILABLE, f"{self.describe()} {what}", Phase.POLICY)


def _process_environment() -> Mapping[bytes, bytes]:
    if os.supports_bytes_environ:
        return os.environb
    return {name.encode(): value.encode() for name, value in os.environ.items()}  # Windows: the environment is UTF-16


def is_absolute_path(text: str) -> bool:
    """Whether a path in the policy file means the same whatever the working folder is (the browser chooses that)."""
    return Path(text).is_absolute() and "\0" not in text


def resolve_secrets(
    sources: Iterable[SecretSource], read: Callable[[SecretSource], Secret] = SecretSource.read
) -> dict[str, Secret]:
    """Read each source once; by name.

    Raises:
        StreamError: SECRET_UNAVAILABLE for the first that cannot be read.
    """
    return {source.name: read(source) for source in sources}
