"""What the policy tests share: a policy text, pages, and grants made from TOML as the host makes them."""

import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from longwire.policy.grants import Grant
from longwire.policy.loading import parse_policy
from longwire.policy.ownership import Lstat
from longwire.protocol.records import Page

CHAT = """\
version = 1

[[grant]]
name = "chat"
pages = ["https://chat.example.com", "http://localhost:5173"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET", "POST"]
network = "public"
inject = { Authorization = "Bearer {secret:key}" }

[secret.key]
env = "LONGWIRE_TEST_KEY"
"""


def page(origin: str = "https://chat.example.com", *, private: bool = False) -> Page:
    return Page(origin=origin, tab=1, frame=0, document="d", private=private)


def grants(text: str) -> tuple[Grant, ...]:
    document = parse_policy(text.encode(), Path("policy.toml"), "user")
    assert document.problems == (), [str(problem) for problem in document.problems]
    return document.grants


def grant(*lines: str, name: str = "g", **keys: str) -> str:
    """A `[[grant]]` with defaults; `keys` are TOML texts."""
    values = {
        "pages": '["https://chat.example.com"]',
        "destinations": '["https://api.example.com/v1/"]',
        "methods": '["GET", "POST"]',
        **keys,
    }
    return "\n".join(
        ["[[grant]]", f'name = "{name}"', *(f"{key} = {value}" for key, value in values.items()), *lines, ""]
    )


def provider(*lines: str, name: str = "p", **keys: str) -> str:
    """A `[[provider]]` with defaults; `keys` are TOML texts."""
    values = {"kind": '"ollama"', "models": '["m"]', **keys}
    return "\n".join(
        ["[[provider]]", f'name = "{name}"', *(f"{key} = {value}" for key, value in values.items()), *lines, ""]
    )


def policy_text(*parts: str) -> str:
    return "version = 1\n" + "\n".join(parts)


def owned_lstat(foreign: Iterable[Path] = (), writable: Iterable[Path] = ()) -> Lstat:
    """An `lstat` under which everything is root's alone, but for these: so that tests work as root and as anyone."""
    strangers, open_doors = {str(path) for path in foreign}, {str(path) for path in writable}

    def lstat(path: str) -> os.stat_result:
        real = os.lstat(path)
        status = SimpleNamespace(**{name: getattr(real, name) for name in dir(real) if name.startswith("st_")})
        status.st_uid = 1000 if path in strangers else 0
        status.st_mode = (real.st_mode & ~0o022) | (0o002 if path in open_doors else 0)
        return cast("os.stat_result", status)

    return lstat
