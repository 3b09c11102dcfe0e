"""Memory of every process while one download takes all it can get, by who carries it."""

from typing import Final

from tests.bench.figures import Row
from tests.bench.processes import Role, memory_bytes, memory_rows
from tests.bench.stage import BROWSER, LONGWIRE, Stage
from tests.bench.throughput import name_of

_PEERS: Final = (BROWSER, LONGWIRE, "offscreen-lane")
_LOOKS: Final = 8
_LOOK_EVERY_MS: Final = 250
_UNDER_WAY_BYTES: Final = 16 << 20


def memory(stage: Stage) -> list[Row]:
    """The most of several looks, for each process kind: of nobody streaming, and of each peer."""
    page = stage.page()
    rows = memory_rows("nobody streams", memory_bytes(stage.browser))
    for peer in _PEERS:
        stage.ask(page, "download", peer, "/endless-work?kind=random")
        page.wait_for_function("(count) => downloaded >= count", arg=_UNDER_WAY_BYTES)
        looks = []
        for _ in range(_LOOKS):
            page.wait_for_timeout(_LOOK_EVERY_MS)
            looks.append(memory_bytes(stage.browser))
        peaks: dict[Role, int] = {role: max(look[role] for look in looks) for role in looks[0]}
        rows += memory_rows(f"a download, {name_of(peer)}", peaks)
        stage.close_pages()
        page = stage.page()
    stage.close_pages()
    return rows
