"""What a host by itself loads before WELCOME, after it, and with its first stream: by names and counts, not by time.

Who adds an import that is not in these lists makes the first stream of every started browser wait for it. If it has to
be there at WELCOME, it is a line here; else it belongs to `longwire.native.loading`, or into a function.
"""

import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import pytest

from longwire import policy, upstream
from longwire.native.loading import FOR_FIRST_STREAM
from tests.host_process import ENTRY, HostProcess, grant
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# Says on stderr, a line each, which modules are there at WELCOME, when loading is done, and at the end.
TELLING: Final = """
import json, sys
from longwire.native import startup
before = startup.load_less
def load_less():
    before()
    from longwire.audit import log
    from longwire.native import process
    load, finish = process.load_for_first_stream, log.finish
    def tell(when):
        there = sorted(name for name, module in sys.modules.items() if module is not None)
        print(json.dumps({"when": when, "modules": there}), file=sys.stderr, flush=True)
    async def telling():
        tell("welcome")
        await load()
        tell("loaded")
    def last():
        tell("end")
        finish()
    process.load_for_first_stream, log.finish = telling, last
startup.load_less = load_less
import longwire.native.main
longwire.native.main.load_less = load_less
"""

# Of Longwire, by rooms. Nothing of `upstream`, and of the engine nothing that carries a stream out.
OURS: Final = {
    "": "addresses assets authority fair_pool families folders later prices turns",
    "audit": "files last_words log page_lines processors vocabulary",
    "daemon": "address connected",
    "engine": "aborting channel engine exchange outlet sending status suspending switches waiting",
    "native": "caller core_dumps decision descriptors loading main own_system posix process showing startup stdio"
    " system",
    "policy": "coverage decision doubts features files generation_decision grants header_rules live_policy loading"
    " locations matching model ownership policy problems provider_doubts providers proxies secret_files secrets"
    " settling suspension_file suspensions templates toml_lines units urls values ways_round writer_doubts",
    "protocol": "errors field_types frames header_names limits messages records",
    "storage": "file_locks files lock opening own_files",
    "streams": "connection counters credit events late_messages memory packing scheduler state stream table upload"
    " version",
}
# Of other people's packages, with what lies beside them and is theirs.
LIBRARIES: Final = (
    "ada_url annotated_types anyio orjson platformdirs pybase64 pydantic pydantic_core sniffio structlog"
    " typing_extensions typing_inspection _cffi_backend"
)
# Of how Python was installed.
NOT_A_HOSTS: Final = "_distutils_hack _virtualenv sitecustomize usercustomize _sysconfigdata*"
# Of the standard library, what is large and has no business in a host's start.
STRANGERS: Final = (
    "argparse concurrent.futures.process csv ctypes* difflib email* html* http* importlib.metadata*"
    " importlib.resources* multiprocessing* pdb pkgutil pprint sqlite3* statistics unittest* urllib.request xml*"
    " zipfile*"
)
# On Python 3.11 there are 400. One more or less is nobody's business; a library with all that it needs is.
MOST_AT_WELCOME: Final = 440
# What the first stream may still load: how a name becomes an address is the system's business.
WITH_FIRST_STREAM: Final = "encodings.* stringprep longwire.streams.*"


def ours() -> set[str]:
    """The names of `OURS`, and of the rooms."""
    rooms = {f"longwire.{room}".rstrip("."): names.split() for room, names in OURS.items()}
    return {*rooms, *(f"{room}.{name}" for room, names in rooms.items() for name in names)}


def listed(name: str, patterns: str) -> bool:
    """Whether one of these, with spaces between them, means the module."""
    return any(fnmatch(name, pattern) for pattern in patterns.split())


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, frozenset[str]]:
    """By when: `welcome`, `loaded`, and `end`, after one stream."""
    found: dict[str, frozenset[str]] = {}

    def told(host: HostProcess) -> None:
        assert host.process.stderr is not None
        line: dict[str, Any] = json.loads(host.process.stderr.readline())
        found[line["when"]] = frozenset(line["modules"])

    with ThreadedServer(lambda: Server(make_app().routes)) as server:
        home = tmp_path_factory.mktemp("home")
        with HostProcess(home, grant(server.url("/")), entry=TELLING + ENTRY) as host:
            host.hello()
            told(host)
            told(host)
            host.start(1, server.url("/bytes?size=1000&seed=s"))
            _, end = host.body(1)
            assert end["type"] == "STREAM_END"
            host.close_input()
            told(host)
    return found


def test_welcome_waits_for_nothing_that_only_a_stream_needs(modules: dict[str, frozenset[str]]) -> None:
    assert {name for name in modules["welcome"] if name.split(".")[0] == "longwire"} - ours() == set(), __doc__
    foreign = {name.split(".")[0] for name in modules["welcome"]} - sys.stdlib_module_names - {"longwire", "__main__"}
    assert {name for name in foreign if not listed(name, f"{LIBRARIES} {NOT_A_HOSTS}")} == set(), __doc__


def test_welcome_waits_for_nothing_large_of_the_standard_library(modules: dict[str, frozenset[str]]) -> None:
    assert {name for name in modules["welcome"] if listed(name, STRANGERS)} == set(), __doc__
    assert len(modules["welcome"]) <= MOST_AT_WELCOME


def test_the_first_stream_finds_everything_loaded(modules: dict[str, frozenset[str]]) -> None:
    late = modules["end"] - modules["loaded"]
    assert {name for name in late if not listed(name, WITH_FIRST_STREAM)} == set()
    assert modules["loaded"] >= {*FOR_FIRST_STREAM, "longwire.engine.http"}


def test_nothing_of_what_few_streams_need_is_loaded_for_all(modules: dict[str, frozenset[str]]) -> None:
    few = {"wsproto", "brotli", "backports.zstd", "compression.zstd", "ahocorasick_rs", "html", "keyring", "rich"}
    few |= {"longwire.engine.generating", "longwire.engine.judging", "httpx2"}
    assert few & modules["end"] == set()


def test_a_start_looks_for_no_plugins() -> None:
    script = (
        "from longwire.native.startup import load_less; load_less()\n"
        "import sys, longwire.native.process\n"
        "assert 'importlib.metadata' not in sys.modules, 'what searches distributions is loaded'\n"
        "from pydantic import BaseModel\n"
        "class Model(BaseModel):\n    number: int\n"
        "assert Model(number=1).number == 1\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], check=True)


@pytest.mark.parametrize("package", [policy, upstream], ids=lambda package: package.__name__)
def test_a_package_gives_every_name_that_it_lists_and_no_other(package: Any) -> None:
    for name in package.__all__:
        value = getattr(package, name)
        home = getattr(value, "__module__", package.__name__)
        assert not hasattr(sys.modules[home], name) or getattr(sys.modules[home], name) is value
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = package.Nothing


def test_a_host_with_no_policy_at_all_loads_no_more(tmp_path: Path) -> None:
    with HostProcess(tmp_path, entry=TELLING + ENTRY) as host:
        host.hello()
        assert host.process.stderr is not None
        there = set(json.loads(host.process.stderr.readline())["modules"])
    assert {name for name in there if name.startswith("longwire.")} <= ours()
