"""Who may import whom: imports run down, and each room names only libraries that are its business. For both languages.

`docs/architecture.md` says what each room is for. A new room is a line here.
"""

import ast
import posixpath
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST = ROOT / "host" / "longwire"
EXTENSION = ROOT / "extension" / "src"

# Each room of the host, and the rooms it may import. What has no room of its own counts by its file's name.
ROOMS: dict[str, set[str]] = {
    "protocol": set(),
    "export": {"protocol", "recording"},  # what writes the generated files, below protocol/
    "win32": set(),
    "storage": {"win32"},
    "turns": set(),
    "later": set(),
    "fair_pool": set(),
    "assets": set(),
    "addresses": set(),
    "authority": set(),
    "families": {"assets"},
    "folders": set(),
    "daemon": {"folders", "protocol", "storage", "win32"},  # how to get at it; what it is, `native` knows
    "prices": set(),
    "sse": set(),  # for Python servers: nothing of the host imports it either
    "rpc": set(),  # likewise, save the server that the demo plays
    "recording": {"protocol", "assets"},
    "replay": {"recording", "protocol", "console"},  # a server of its own: nothing of the host carries its bytes
    "streams": {"protocol", "fair_pool"},
    "policy": {"protocol", "storage", "addresses", "authority", "prices", "folders", "later"},
    "upstream": {"protocol", "turns", "addresses", "authority", "fair_pool", "later"},
    "generation": {"protocol", "prices"},
    "audit": {"protocol", "policy", "authority", "folders", "win32"},
    "durable": {"protocol", "storage", "win32"},
    "engine": {
        "protocol",
        "durable",
        "streams",
        "policy",
        "upstream",
        "audit",
        "turns",
        "generation",
        "fair_pool",
        "prices",
        "authority",
    },
    "native": {
        "protocol",
        "policy",
        "upstream",
        "durable",
        "engine",
        "audit",
        "turns",
        "families",
        "assets",
        "folders",
        "daemon",
        "storage",
        "win32",
    },
    # What people type, and what it stands on. None of it imports the process that a browser starts.
    "stats": {"protocol", "audit", "authority"},
    "console": {"protocol", "policy", "audit", "stats"},
    "install": {"console", "audit", "policy", "storage", "families", "assets", "protocol"},
    "doctor": {
        "install",
        "console",
        "daemon",
        "durable",
        "engine",
        "upstream",
        "policy",
        "audit",
        "turns",
        "families",
        "assets",
        "authority",
        "protocol",
    },
    "at_console": {"console", "engine", "upstream", "policy", "protocol", "turns", "recording"},
    "demo": {"install", "console", "assets", "policy", "protocol", "rpc"},
    "cli": {
        "install",
        "doctor",
        "demo",
        "console",
        "durable",
        "folders",
        "engine",
        "generation",
        "stats",
        "audit",
        "policy",
        "storage",
        "assets",
        "protocol",
        "at_console",
        "daemon",
        "recording",
        "replay",
    },
}
# Modules that know less than their room may, and rooms that they do not get at by way of their neighbours either: an
# engine runs exchanges of any kind, by whatever rules. The kinds and the rules are handed to it.
APART: dict[str, set[str]] = {
    "engine/channel.py": {"upstream", "policy"},
    "engine/sending.py": {"upstream", "policy"},
    "engine/exchange.py": {"upstream", "policy"},
    "engine/aborting.py": {"upstream", "policy"},
    "engine/engine.py": {"upstream", "policy"},
}
# What a room may know of another where that is not all: the engine is written against upstream's interface and its pure
# rules, and the client is handed to it.
ONLY: dict[tuple[str, str], set[str]] = {
    ("engine", "upstream"): {"model", "redirects", "resolver", "trust"},
}
# And a kind of exchange against the interface alone; what may be asked of an upstream, its authorization says.
ONLY_OF_MODULE: dict[tuple[str, str], set[str]] = {
    ("engine/http.py", "upstream"): {"model"},
    ("engine/http.py", "policy"): set(),
    ("engine/generating.py", "upstream"): set(),
    ("engine/asking.py", "upstream"): {"model"},
    ("engine/websocket.py", "upstream"): {"model"},
    ("engine/websocket.py", "policy"): set(),
}
# Sans-IO rooms know no loop, no clock, no socket and no file; their tests need none.
IO = {"asyncio", "anyio", "threading", "time", "socket", "ssl", "subprocess", "selectors", "httpx2", "httpcore2"}
SANS_IO = {"protocol", "streams", "generation", "fair_pool"}
# And a room that knows files, but neither a loop nor a socket.
LOOP = {"asyncio", "anyio", "socket", "ssl", "selectors", "httpx2", "httpcore2"}
LOOPLESS = {"durable"}
# And so does the core of a room whose shell is nothing but I/O, with all that it gets at.
SANS_IO_MODULES = {"rpc/core.py"}
# The only room that may import the HTTP client.
HTTP = {"httpx2", "httpcore2"}

WORLDS: dict[str, set[str]] = {
    "protocol": set(),
    "shared": {"protocol"},
    "platform": set(),
    "recording": {"protocol", "shared"},
    "exports": {"protocol", "recording", "client"},  # of the client library, how bodies are read
    "client": set(),  # the page library: a package of its own
    "rpc": {"client"},  # of the same package: knows of it how to retry, and how to check options
    "page": {"protocol", "shared", "client", "rpc"},
    "relay": {"protocol", "shared", "platform"},
    "worker": {"protocol", "shared", "platform", "recording"},
    "recording-list": {"shared", "recording", "exports"},
    "popup": {"protocol", "shared", "platform", "worker", "recording", "recording-list", "exports"},
    # Of the library, how a body becomes events.
    "dashboard": {"protocol", "shared", "platform", "client", "recording", "recording-list"},
    # A page's shim, relay and library once more, in one world.
    "writer": {"protocol", "shared", "platform", "client", "page", "relay"},
    "settings": {"protocol", "shared", "platform", "writer"},
    "direct-frame": {"protocol", "shared", "platform"},
}
# The writer is a world with rooms of its own: a folder is one, and so is a module beside them. They meet in `start` and
# `visit`, and what `run` needs of sites, diffs, editors and texts is handed to it.
WRITER: dict[str, set[str]] = {
    "writer/model": {"shared"},  # what they say to each other: types alone
    "writer/text": {"writer/model"},
    "writer/editors": {"writer/model", "writer/text"},  # of texts, the markers
    "writer/sites": {"writer/model"},
    "writer/diff": {"writer/model", "shared"},
    "writer/template": {"writer/model"},
    "writer/run": {"writer/model", "client", "shared"},
    "writer/panel": {"writer/model", "shared"},
    "writer/visit": {"writer/model", "writer/panel", "writer/run"},
    "writer/watching": {"writer/model", "writer/visit"},
    "writer/settings-link": {"page", "platform", "shared"},
    "writer/host": {"writer/settings-link", "client", "page", "platform", "relay", "shared"},
    "writer/start": {
        "writer/model",
        "writer/diff",
        "writer/editors",
        "writer/host",
        "writer/run",
        "writer/sites",
        "writer/template",
        "writer/text",
        "writer/visit",
        "writer/watching",
        "page",
    },
    "writer/main": {"writer/host", "writer/start", "platform"},
    # A page of the extension's own; what a template may have is all that it knows of the writer.
    "settings": {"writer/template", "platform", "shared", "protocol"},
}
# The only module of the extension that may name the browser's own API.
BROWSER_API = "platform/chromium.ts"


def host_imports(text: str) -> Iterator[str]:
    """Every module that a module imports, inside functions too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] == "longwire":
                yield from (f"{node.module}.{name.name}" for name in node.names)
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def host_faults(room: str, text: str) -> list[str]:
    """The imports of a module of `room` that may not be."""
    faults: list[str] = []
    for module in host_imports(text):
        first, _, rest = module.partition(".")
        target = rest.partition(".")[0]
        if first == "longwire":
            if target in ROOMS and target != room and target not in ROOMS[room]:
                faults.append(module)
        elif (
            (room in SANS_IO and first in IO)
            or (room in LOOPLESS and first in LOOP)
            or (room != "upstream" and first in HTTP)
        ):
            faults.append(module)
    return faults


def module_at(name: str) -> str | None:
    """The file of a module's dotted name, as in `engine/http.py`; None if it is no module of the host's own."""
    parts = name.split(".")[1:]
    file = "/".join(parts) + ".py"
    return file if name.startswith("longwire.") and (HOST / file).is_file() else None


def reached(file: str, text: str | None = None) -> set[str]:
    """All that a module imports, and that its neighbours import which it does. `text`: instead of what stands there."""
    found: set[str] = set()
    texts = {file: (HOST / file).read_text(encoding="utf-8") if text is None else text}
    while texts:
        _, current = texts.popitem()
        for module in host_imports(current):
            neighbour = module_at(module)
            if module not in found and neighbour is not None and neighbour.partition("/")[0] == file.partition("/")[0]:
                texts[neighbour] = (HOST / neighbour).read_text(encoding="utf-8")
            found.add(module)
    return found


def faults_of_module(file: str, text: str | None = None) -> list[str]:
    """What a module imports, or gets at, although it stands apart from its room."""
    room = file.partition("/")[0]
    own = (HOST / file).read_text(encoding="utf-8") if text is None else text
    faults = [m for m in reached(file, text) if m.split(".")[1:2] and m.split(".")[1] in APART.get(file, set())]
    for (where, target), allowed in (ONLY | ONLY_OF_MODULE).items():
        if where in (room, file):
            # A name that is imported from an allowed module begins with it; the room itself is no module.
            faults += [
                module
                for module in host_imports(own)
                if module.split(".")[:2] == ["longwire", target] and not set(module.split(".")[2:3]) & allowed
            ]
    return faults


def extension_faults(world: str, text: str, depth: int = 1) -> list[str]:
    """The imports of a module of `world` that lead where it has no business. `depth`: how far below `src` it lies."""
    up = r"\.\./" * depth
    targets = re.findall(rf"""(?:from|import|import\()\s*['"]{up}(\w[\w-]*)(?:/|['"])""", text)
    return [target for target in targets if target != world and target not in WORLDS[world]]


def writer_room(path: str) -> str:
    """The room of a module below `src`: as in WRITER; of other worlds, the world."""
    world, *below = path.split("/")
    return f"writer/{below[0].partition('.')[0]}" if world == "writer" and below else world


def writer_faults(file: str, text: str) -> list[str]:
    """The rooms that a module of the writer, or of its settings, imports and may not. `file`: its path below `src`."""
    named = re.findall(r"""(?:from|import|import\()\s*['"](\.[^'"]*)['"]""", text)
    room = writer_room(file)
    targets = [writer_room(posixpath.normpath(posixpath.join(posixpath.dirname(file), name))) for name in named]
    return [target for target in targets if target != room and target not in WRITER[room]]


@pytest.mark.parametrize("file", sorted(HOST.rglob("*.py")), ids=lambda file: str(file.relative_to(HOST)))
def test_the_hosts_imports_run_down(file: Path) -> None:
    relative = file.relative_to(HOST)
    if len(relative.parts) == 1 and relative.stem not in ROOMS:
        assert relative.stem in ("__init__", "__main__"), f"a new room: {relative.stem}"
        return
    room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
    if relative.parts[:2] == ("protocol", "export"):
        room = "export"
    assert host_faults(room, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", sorted(SANS_IO_MODULES))
def test_a_core_gets_at_no_io(file: str) -> None:
    assert {module.partition(".")[0] for module in reached(file)} & IO == set()
    assert reached(file, "from longwire.rpc.peer import Peer") & IO


@pytest.mark.parametrize("file", sorted(EXTENSION.rglob("*.ts")), ids=lambda file: str(file.relative_to(EXTENSION)))
def test_the_extensions_imports_run_down(file: Path) -> None:
    world, *below = file.relative_to(EXTENSION).parts
    assert extension_faults(world, file.read_text(encoding="utf-8"), len(below)) == []


@pytest.mark.parametrize(
    "file",
    [
        file.relative_to(EXTENSION).as_posix()
        for w in ("writer", "settings")
        for file in sorted(EXTENSION.glob(f"{w}/**/*.ts"))
    ],
)
def test_the_writers_imports_run_down(file: str) -> None:
    assert writer_faults(file, (EXTENSION / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("writer/run/run.ts", "import { editorOf } from '../editors'", "writer/editors"),
        ("writer/run/run.ts", "import type { Panel } from '../panel/panel'", "writer/panel"),
        ("writer/editors/rich.ts", "import { neutralise } from '../run/run'", "writer/run"),
        ("writer/text/markers.ts", "export { regionOf } from '../editors/region'", "writer/editors"),
        ("writer/sites/github.ts", "const diff = import('../diff')", "writer/diff"),
        ("writer/model.ts", "import type { Panel } from './panel/panel'", "writer/panel"),
        ("writer/visit.ts", "import { start } from './start'", "writer/start"),
        ("writer/diff/index.ts", "import { hostFetch } from '../../page/shim'", "page"),
        ("settings/main.ts", "import { Panel } from '../writer/panel/panel'", "writer/panel"),
    ],
)
def test_an_upward_import_of_the_writer_is_found(file: str, text: str, fault: str) -> None:
    assert writer_faults(file, text) == [fault]


def test_what_the_writer_may_import_its_world_may_too() -> None:
    for room, targets in WRITER.items():
        world = room.partition("/")[0]
        assert {target.partition("/")[0] for target in targets} - {world} <= WORLDS[world]


@pytest.mark.parametrize("arrows", [ROOMS, WORLDS, WRITER], ids=["host", "extension", "writer"])
def test_no_arrows_run_in_a_circle(arrows: dict[str, set[str]]) -> None:
    TopologicalSorter(arrows).prepare()
    first, second = next((room, min(targets)) for room, targets in arrows.items() if targets)
    with pytest.raises(CycleError):
        TopologicalSorter({**arrows, second: {*arrows.get(second, set()), first}}).prepare()


def extension_modules(instead: dict[str, str] | None = None) -> dict[str, set[str]]:
    """Each module of the extension and what it imports, be it a type. `instead`: of what stands in a file."""
    files = {file.relative_to(EXTENSION).as_posix(): file for file in EXTENSION.rglob("*.ts")}
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()} | (instead or {})
    arrows: dict[str, set[str]] = {}
    for name, text in texts.items():
        named = re.findall(r"""(?:from|import|import\()\s*['"](\.[^'"]*)['"]""", text)
        paths = [posixpath.normpath(posixpath.join(posixpath.dirname(name), each)) for each in named]
        arrows[name] = {file for path in paths for file in (f"{path}.ts", f"{path}/index.ts") if file in texts}
    return arrows


def test_no_modules_of_the_extension_import_each_other_not_even_their_types() -> None:
    TopologicalSorter(extension_modules()).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(extension_modules({"rpc/core.ts": "import type { Peer } from './peer'"})).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(extension_modules({"writer/model.ts": "export type { Run } from './run/run'"})).prepare()


def names_browser_api(text: str) -> bool:
    """Whether a module says `chrome` as a word: as the global, by way of a global object, as a type, in a comment."""
    return re.search(r"\bchrome\b", text) is not None


@pytest.mark.parametrize("file", sorted(EXTENSION.rglob("*.ts")), ids=lambda file: str(file.relative_to(EXTENSION)))
def test_the_browsers_own_api_is_named_by_one_module(file: Path) -> None:
    named = names_browser_api(file.read_text(encoding="utf-8"))
    assert named == (file.relative_to(EXTENSION).as_posix() == BROWSER_API)


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("streams", "from longwire.policy import Policy"),
        ("protocol", "from longwire import streams"),
        ("policy", "def later():\n    from longwire.audit.log import tick"),
        ("streams", "import asyncio"),
        ("protocol", "from time import monotonic"),
        ("policy", "import httpx2"),
        ("durable", "import asyncio"),
        ("durable", "from longwire.engine import http"),
    ],
)
def test_an_upward_import_of_the_host_is_found(room: str, text: str) -> None:
    assert host_faults(room, text)


@pytest.mark.parametrize("file", sorted(each.name for each in (HOST / "engine").glob("*.py")))
def test_the_engine_knows_its_kinds_and_rules_by_what_is_handed_to_it(file: str) -> None:
    assert faults_of_module(f"engine/{file}") == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("engine/engine.py", "from longwire.upstream.model import Upstream"),
        ("engine/engine.py", "from longwire.policy import Policy"),
        ("engine/exchange.py", "def later():\n    from longwire.policy.live_policy import LivePolicy"),
        ("engine/engine.py", "from longwire.engine.status import PolicyStatus"),  # which imports the policy
        ("engine/exchange.py", "from longwire.engine import http"),
        ("engine/http.py", "from longwire.upstream.client import UpstreamClient"),
        ("engine/http.py", "from longwire.upstream import UpstreamClient"),
        ("engine/http.py", "from longwire.policy import Decision"),
        ("engine/websocket.py", "from longwire.upstream.websocket import WebSocketClient"),
        ("engine/authorization.py", "from longwire.upstream.client import UpstreamClient"),
    ],
)
def test_what_a_module_stands_apart_from_is_found_though_a_neighbour_leads_there(file: str, text: str) -> None:
    assert faults_of_module(file, text)


@pytest.mark.parametrize(
    ("world", "text"),
    [
        ("relay", "import { x } from '../worker/streams'"),
        ("client", "import type { Y } from '../page/errors'"),
        ("shared", 'import { z } from "../popup/dom"'),
        ("page", "import { relayPlatform } from '../platform'"),
        ("client", "import '../platform/chromium'"),
        ("shared", "const later = import('../platform')"),
    ],
)
def test_an_upward_import_of_the_extension_is_found(world: str, text: str) -> None:
    assert extension_faults(world, text)


def test_a_folder_in_a_world_is_not_taken_for_a_world() -> None:
    assert extension_faults("writer", "import { x } from '../model'", 2) == []
    assert extension_faults("writer", "import { x } from '../../worker/streams'", 2) == ["worker"]


@pytest.mark.parametrize(
    "text",
    [
        "chrome.runtime.id",
        "type Tab = chrome.tabs.Tab",
        "globalThis['chrome']",
        "const { chrome } = globalThis",
        "chrome?.x",
    ],
)
def test_another_module_that_names_the_browsers_own_api_is_found(text: str) -> None:
    assert names_browser_api(text)


def test_what_the_standard_library_gives_is_spelt_as_it_is_there() -> None:
    assert IO - sys.stdlib_module_names == {"anyio", "httpx2", "httpcore2"}
