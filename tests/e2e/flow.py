"""What is under way: in the kernel's buffers, and whether anything still moves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page

from tests.e2e.browser import Browser

T = TypeVar("T")

# What must not change while this many requests go through the whole chain one after the other counts as still.
STILL_AFTER = 30
# As /proc/net/tcp writes TCP_ESTABLISHED.
_ESTABLISHED = "01"


@dataclass(frozen=True)
class KernelQueues:
    """Bytes in the kernel on connections to one local server: sent but not received, received but not read."""

    to_client: int
    to_server: int

    @classmethod
    def of(cls, server_port: int) -> "KernelQueues":
        """Both ends are on this machine (Linux, IPv4): each end's queues are lines of /proc/net/tcp."""
        to_client = to_server = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, state, queues, *_ = line.split()
            if state != _ESTABLISHED:
                continue
            sending, receiving = (int(part, 16) for part in queues.split(":"))
            if _port(local) == server_port:
                to_client += sending
                to_server += receiving
            elif _port(remote) == server_port:
                to_client += receiving
                to_server += sending
        return cls(to_client, to_server)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def when_still(page: Page, url: str, look: Callable[[], T], *, rounds: int = 2000) -> T:
    """What `look` gives once it gives the same through `STILL_AFTER` requests of `page` for `url`.

    Each request passes worker, host, scheduler and server after whatever was ready to move there, so it is a turn for
    everybody: no clock decides that nothing moves. `look` may assert what must hold meanwhile.
    """
    last, unchanged = look(), 0
    for _ in range(rounds):
        page.evaluate("async (url) => { await (await longwire.fetch(url)).arrayBuffer() }", url)
        now = look()
        unchanged = unchanged + 1 if now == last else 0
        if unchanged == STILL_AFTER:
            return now
        last = now
    raise AssertionError(f"still moving after {rounds} requests: {last}")


def collect_garbage(browser: Browser, *pages: Page) -> None:
    """Free what JavaScript no longer reaches, in the pages and the worker (`--js-flags=--expose-gc`).

    V8 collects when it likes, tens of MiB late: without this a sample of memory says when it last did.
    """
    for page in pages:
        page.evaluate("gc()")
    browser.worker().evaluate("gc()")
