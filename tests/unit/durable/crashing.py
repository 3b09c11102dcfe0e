"""A daemon that is killed at each of its steps: `python -m tests.unit.durable.crashing FOLDER SCENARIO`.

For each call of the system that changes a file there is a process of its own, which is killed just before it, just
after it or, where bytes of a response are written, in the middle. Each has a folder of its own, and says beside it what
it had come to.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from longwire.durable.store import Store
from tests.unit.durable.samples import START, carried_out, ended, request

CHANGES: Final = (
    "open", "write", "pwrite", "fsync", "ftruncate", "fchmod", "chmod", "mkdir", "rmdir", "unlink", "rename", "replace",
)  # fmt: skip
WHEN: Final = ("before", "amid", "after")
BODY: Final = bytes(range(256)) * 40
SEGMENT: Final = 4096
MAX_STEPS: Final = 500


class Killer:
    """Kills this process at its `step`th change of a file."""

    def __init__(self, step: int, when: str) -> None:
        self._left = step
        self._when = when

    def watch(self) -> None:
        for name in ("pwrite",) if self._when == "amid" else CHANGES:
            setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            self._left -= 1
            if self._left:
                return real(*arguments, **options)
            if self._when == "amid":
                descriptor, data, offset = arguments
                real(descriptor, data[: len(data) // 2], offset)
            elif self._when == "after":
                real(*arguments, **options)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

        return call


class Said:
    """What the rest of the world has seen of a daemon: each word is a file beside its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._create = os.open

    def __call__(self, word: str) -> None:
        os.close(self._create(f"{self._folder}.{word}", os.O_CREAT | os.O_WRONLY))


def asking(folder: Path, said: Said) -> Callable[[], None]:
    """A request from its first word to its end."""

    def act() -> None:
        store = Store(folder, "one", now_ms=lambda: START)
        record = request("first")
        store.claim(record)
        said("sent-first")
        spool = store.spool(record.id, SEGMENT)
        spool.append(BODY[:6000])
        spool.append(BODY[6000:])
        spool.sync()
        store.save(ended(record, len(BODY)))
        said("ended-first")

    return act


def forgetting(folder: Path, said: Said) -> Callable[[], None]:
    """Two that have ended, of which the first is forgotten."""
    store = Store(folder, "one", now_ms=lambda: START)
    for name in ("first", "second"):
        carried_out(store, name, BODY)
        said(f"sent-{name}")
        said(f"ended-{name}")

    def act() -> None:
        said("forgetting-first")
        store.delete(request("first").id)
        said("forgotten-first")

    return act


def dying(folder: Path, said: Said) -> Callable[[], None]:
    """What a dead one left is looked through by the next, which dies over it."""
    store = Store(folder, "one", now_ms=lambda: START)
    carried_out(store, "first", BODY)
    said("sent-first")
    said("ended-first")
    store.claim(request("second"))
    said("sent-second")
    store.spool(request("second").id).append(BODY)
    store.close()
    (folder / ("f" * 64)).mkdir()
    (folder / ("f" * 64) / "left").touch()
    return lambda: Store(folder, "one-more").close()


def retiring(folder: Path, said: Said) -> Callable[[], None]:
    """One retires, and ends what it was about; another takes over."""
    store = Store(folder, "one", now_ms=lambda: START)
    carried_out(store, "first", BODY)
    said("sent-first")
    said("ended-first")
    record = request("second")
    store.claim(record)
    said("sent-second")

    def act() -> None:
        store.retire()
        spool = store.spool(record.id)
        spool.append(BODY)
        spool.sync()
        store.save(ended(record, len(BODY)))
        said("ended-second")
        Store(folder, "one-more").close()

    return act


SCENARIOS: Final = {each.__name__: each for each in (asking, forgetting, dying, retiring)}


def killed(folder: Path, scenario: str, step: int, when: str) -> bool:
    """Whether a process was killed at that step; False where it came to its end before."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RuntimeError(f"{scenario} failed by itself")
        return os.WIFSIGNALED(status)
    code = 1
    try:
        act = SCENARIOS[scenario](folder, Said(folder))
        Killer(step, when).watch()
        act()
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    root, scenario = Path(sys.argv[1]), sys.argv[2]
    for when in WHEN:
        for step in range(1, MAX_STEPS):
            if not killed(root / f"{when}-{step:03}", scenario, step, when):
                break
        else:
            raise RuntimeError("it does not come to an end")


if __name__ == "__main__":
    main()
