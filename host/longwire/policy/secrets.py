"""Secrets by reference: a name in the policy, a value read at the moment of sending and not kept.

What a command printed is kept in memory, because it may take a second: see `SecretSupply`.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final, Literal, NoReturn

from longwire.protocol.errors import ErrorCode, Phase, StreamError, printable

MAX_SECRET_BYTES: Final = 16 * 1024
MAX_PLACE_CHARS: Final = 200
_LIST_COMMAND: Final = "longwire secret list"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

SecretKind = Literal["env", "file", "keyring", "command"]
_PLACES: Final[dict[SecretKind, str]] = {
    "env": "environment variable",
    "file": "file",
    "keyring": "keyring entry",
    "command": "command",
}


class SecretProblem(Enum):
    """What a person has to do about a secret that cannot be read."""

    MISSING = auto()  # nothing is at its place
    FORBIDDEN = auto()  # the user that runs the browser may not read it
    UNUSABLE = auto()  # something is there, or nobody can say


class UnusableSecret(Exception):
    """What is wrong with the place of a secret, as the rest of a sentence that begins with it; never what it holds.

    `detail` says more to the administrator: it names paths, which no page should know.
    """

    def __init__(self, what: str, detail: str | None = None, problem: SecretProblem = SecretProblem.UNUSABLE) -> None:
        super().__init__(what)
        self.what = what
        self.detail = detail
        self.problem = problem


class SecretUnavailable(StreamError):
    """SECRET_UNAVAILABLE. `detail` is what is wrong, as the rest of a sentence that begins with the secret's name.

    `detail` is for the administrator: it may name paths.
    """

    def __init__(self, source: "SecretSource", what: str, detail: str, problem: SecretProblem) -> None:
        super().__init__(
            ErrorCode.SECRET_UNAVAILABLE,
            f'secret "{source.name}" {what}; `{_LIST_COMMAND}` says where it is looked for',
            Phase.POLICY,
            reason=f"{source.describe()} {detail}",
            command=_LIST_COMMAND,
        )
        self.source = source
        self.detail = printable(detail)
        self.problem = problem


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
    """Where a secret lies: an environment variable's name, a file's absolute path, a keyring entry's name, a command.

    That is written as a shell would take it, and never given to one. `by_root`: the administrator's policy names
    it, so it has to be root's program.
    """

    name: str
    kind: SecretKind
    where: str
    by_root: bool = False

    @classmethod
    def of_command(cls, name: str, command: Sequence[str], *, by_root: bool) -> "SecretSource":
        """What a program prints."""
        return cls(name, "command", shlex.join(command), by_root)

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        return shlex.split(self.where)

    @property
    def place(self) -> str:
        """For people. Of a command the program alone: its arguments are nothing to read out."""
        return self.command[0] if self.kind == "command" else self.where

    @property
    def may_block(self) -> bool:
        """Whether reading it may wait: for a person (a keyring that asks to be unlocked), or for a program."""
        return self.kind in ("keyring", "command")

    def describe(self) -> str:
        """For messages: which secret, and where it is looked for."""
        return f'secret "{self.name}" ({_PLACES[self.kind]} {self.place})'

    def unavailable(
        self, what: str, detail: str | None = None, problem: SecretProblem = SecretProblem.UNUSABLE
    ) -> SecretUnavailable:
        """SECRET_UNAVAILABLE, saying `what` is wrong with the place, and to the log which it is; never the value.

        `detail` stands for `what` where the administrator reads it.
        """
        return SecretUnavailable(self, what, detail or what, problem)


def problem_with_value(value: bytes) -> str | None:
    """Why `value` cannot be a secret that a header carries, without quoting it; or None."""
    if not value:
        return "is empty"
    if len(value) > MAX_SECRET_BYTES:
        return f"is longer than {MAX_SECRET_BYTES} bytes"
    if value.startswith(_BYTE_ORDER_MARK):
        return "begins with a byte-order mark: save the file as UTF-8 without one"
    if any(byte < 0x20 or byte == 0x7F for byte in value):
        return "contains a line break or another control character, which no header may carry"
    if value[0] == 0x20 or value[-1] == 0x20:
        return "begins or ends with a space"
    return None


def is_absolute_path(text: str) -> bool:
    """Whether a path in the policy file means the same whatever the working folder is (the browser chooses that)."""
    return Path(text).is_absolute() and "\0" not in text
