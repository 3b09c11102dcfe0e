"""What both ends say before anything else: one line of JSON each. A command goes on in lines, a host in frames.

    peer     {"longwire": VERSION, "protocol": N, "as": "host" | "daemon" | "admin"}
    daemon   {"longwire": VERSION, "protocol": N, "pid": N, "owner": TEXT, "serves": true | false}

`serves` is false where the daemon closes the connection after its line: to a host it is of another version, or it
serves no new ones; `why` says so. `daemon` is another daemon of this user, which asks for requests that this one has.
Lines stay as they are in every version, so that each can tell the others apart.
"""

import json
from typing import Any, Final, Literal, NamedTuple

Role = Literal["host", "daemon", "admin"]

# A list of what is kept: 256 keys for each entry of each grant, a few hundred bytes for each.
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
MAX_GREETING_BYTES: Final = 4096
_ROLES: Final[dict[str, Role]] = {"host": "host", "daemon": "daemon", "admin": "admin"}


class BadLine(Exception):
    """What the other end said is none of the lines above."""


class Hail(NamedTuple):
    """What a peer says it is."""

    version: str
    protocol: int
    role: Role


class Greeting(NamedTuple):
    """What the daemon answers."""

    version: str
    protocol: int
    pid: int
    owner: str
    serves: bool
    why: str = ""


def line(members: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(members).encode() + b"\n"


def read_line(data: bytes) -> dict[str, Any]:
    """The members of one line, with or without its end.

    Raises:
        BadLine: it is no JSON object.
    """
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        raise BadLine("not a line of JSON") from None
    if not isinstance(members, dict):
        raise BadLine("not a JSON object")
    return members


def hail_line(hail: Hail) -> bytes:
    """As it is sent."""
    return line({"longwire": hail.version, "protocol": hail.protocol, "as": hail.role})


def read_hail(data: bytes) -> Hail:
    """Raises BadLine."""
    members = read_line(data)
    role = _ROLES.get(str(members.get("as")))
    if role is None:
        raise BadLine("unknown role")
    return Hail(_text(members, "longwire"), _number(members, "protocol"), role)


def greeting_line(greeting: Greeting) -> bytes:
    """As it is sent."""
    version, protocol, *_ = greeting
    members = {"longwire": version, "protocol": protocol, "pid": greeting.pid, "owner": greeting.owner}
    return line({**members, "serves": greeting.serves, **({"why": greeting.why} if greeting.why else {})})


def read_greeting(data: bytes) -> Greeting:
    """Raises BadLine."""
    members = read_line(data)
    return Greeting(
        _text(members, "longwire"),
        _number(members, "protocol"),
        _number(members, "pid"),
        _text(members, "owner"),
        members.get("serves") is True,
        str(members.get("why", "")),
    )


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise BadLine(f"no {name}")
    return value


def _number(members: dict[str, Any], name: str) -> int:
    value = members.get(name)
    if not isinstance(value, int):
        raise BadLine(f"no {name}")
    return value
