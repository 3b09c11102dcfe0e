"""The tables of docs/compatibility.md, rendered and read back; `python -m tests.compat.published` writes them there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, TypeVar

from tests.compat import rows, socket_rows
from tests.compat.socket_rows import SocketScenario
from tests.upstreams.vendors.stage import Scenario

PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
SAME: Final = "✓"
NOT_THERE: Final = "—"

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)
class Line(Generic[S]):
    """A client's. `beside` are its cells before those of scenarios."""

    name: str
    beside: tuple[str, ...]
    without: frozenset[S]


@dataclass(frozen=True)
class Table(Generic[S]):
    """Between two comments on the page."""

    name: str
    head: tuple[str, ...]
    columns: Mapping[S, str]
    lines: tuple[Line[S], ...]
    differences: Mapping[tuple[str, S], int]

    @property
    def begin(self) -> str:
        """The comment before it."""
        return f"<!-- {self.name}: written by python -m tests.compat.published -->"

    @property
    def end(self) -> str:
        """The comment behind it."""
        return f"<!-- {self.name}: end -->"

    def render(self, results: Mapping[tuple[str, S], bool] | None = None) -> str:
        """As Markdown: of a run, with nothing in cells that did not run; without `results` as it should be."""
        heads = [*self.head, *self.columns.values()]
        lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
        for line in self.lines:
            cells = [line.name, *line.beside, *(self._cell(line, scenario, results) for scenario in self.columns)]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def block(self) -> str:
        """As it stands on the page."""
        return PAGE.read_text().split(self.begin)[1].split(self.end)[0].strip()

    def read(self) -> dict[tuple[str, S], str]:
        """The cells of the published table."""
        cells: dict[tuple[str, S], str] = {}
        for line in self.block().splitlines()[2:]:
            name, *rest = (cell.strip() for cell in line.strip("|").split("|"))
            found = rest[len(self.head) - 1 :]
            cells |= {(name, scenario): cell for scenario, cell in zip(self.columns, found, strict=True)}
        return cells

    def write(self) -> None:
        """Put it into the page."""
        before, rest = PAGE.read_text().split(self.begin)
        _, after = rest.split(self.end)
        PAGE.write_text(f"{before}{self.begin}\n{self.render()}\n{self.end}{after}")

    def _cell(self, line: Line[S], scenario: S, results: Mapping[tuple[str, S], bool] | None) -> str:
        if scenario in line.without:
            return NOT_THERE
        key = (line.name, scenario)
        if results is not None and key not in results:
            return ""
        same = results[key] if results is not None else key not in self.differences
        return SAME if same else str(self.differences.get(key, "differs"))


def pinned() -> dict[str, str]:
    """Package to exact version, of package.json; of a package under another name, with its own before it."""
    versions: dict[str, str] = json.loads((Path(__file__).parent / "package.json").read_text())["dependencies"]
    return versions


def _versions(packages: tuple[str, ...]) -> str:
    return ", ".join(pinned()[package] for package in packages)


CLIENTS: Final = Table[Scenario](
    "clients",
    ("client", "version"),
    rows.COLUMNS,
    tuple(Line(row.name, (_versions(row.packages),), row.without) for row in rows.ROWS),
    rows.DIFFERENCES,
)
SOCKETS: Final = Table[SocketScenario](
    "clients of sockets",
    ("client", "version", "server"),
    socket_rows.COLUMNS,
    tuple(Line(row.name, (_versions(row.packages), row.server), row.without) for row in socket_rows.ROWS),
    socket_rows.DIFFERENCES,
)


if __name__ == "__main__":
    CLIENTS.write()
    SOCKETS.write()
