"""The files of the demo's two pages, as they are served."""

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Final

from longwire.assets import client_library, rpc_library
from longwire.demo import chat, download

EXAMPLES_PATH: Final = "/examples"
# The server that the examples name, as docs/client.md shows them.
EXAMPLE_ORIGIN: Final = "https://api.example.com"
EXAMPLE_SOCKET_ORIGIN: Final = "wss://api.example.com"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
# `connect-src` names the upstream, so that what refuses the page's own fetch is CORS and nothing else.
_CSP: Final = (
    "default-src 'none'; script-src 'self'{inline}; style-src 'self'; img-src data:; connect-src 'self' {upstream}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# As much of the language as the examples use. A template is one string, with what it fills in.
_TOKEN: Final = re.compile(
    r"(?P<comment>/\*.*?\*/|//[^\n]*)"
    r"|(?P<string>'[^'\n]*'|`[^`]*`)"
    r"|(?P<number>\b\d[\d_]*\b)"
    r"|(?P<word>\b(?:await|const|export|for|from|function|if|import|let|new|of|return|true|async|break|false)\b)",
    re.DOTALL,
)
_IMPORT_MAP: Final = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Served:
    """One file. `policy` is its Content-Security-Policy."""

    body: bytes
    content_type: str
    policy: str


def examples() -> dict[str, str]:
    """The examples of the docs by name, word for word as they quote them."""
    folder = files("longwire.demo").joinpath("examples")
    return {file.name.removesuffix(".js"): file.read_text("utf-8") for file in folder.iterdir()}


def socket_origin(origin: str) -> str:
    """An `http` origin's for WebSockets."""
    return origin.replace("http", "ws", 1)


def localized(code: str, upstream_origin: str) -> str:
    """An example, with the demo's server in the place of the one that it names."""
    sockets = code.replace(EXAMPLE_SOCKET_ORIGIN, socket_origin(upstream_origin))
    return sockets.replace(EXAMPLE_ORIGIN, upstream_origin)


def served_files(upstream_origin: str, size: int) -> dict[str, Served]:
    """By path; the upstream's origin and the size of its download, in bytes, filled in.

    Raises:
        AssetError: the client library is not built.
    """
    folder = files("longwire.demo")
    # As they run here.
    codes = {name: localized(code, upstream_origin) for name, code in examples().items()}
    page = _fill(
        folder.joinpath("page.html").read_text("utf-8"),
        {"chat": upstream_origin + chat.PATH, "download": upstream_origin + download.PATH, "size": str(size)},
    )
    more = _fill(
        folder.joinpath("examples.html").read_text("utf-8"),
        {f"code {name}": highlighted(code.rstrip()) for name, code in codes.items()},
    )
    texts = {
        "/": (page, ".html"),
        EXAMPLES_PATH: (more, ".html"),
        "/longwire.min.js": (client_library().read_text("utf-8"), ".js"),
        "/rpc.min.js": (rpc_library().read_text("utf-8"), ".js"),
        **{f"{EXAMPLES_PATH}/{name}.js": (code, ".js") for name, code in codes.items()},
        **{
            f"/{file.name}": (file.read_text("utf-8"), "." + file.name.rpartition(".")[2])
            for file in folder.joinpath("site").iterdir()
        },
    }
    return {
        path: Served(text.encode(), _TYPES[suffix], _CSP.format(inline=_import_map(text), upstream=upstream_origin))
        for path, (text, suffix) in texts.items()
    }


def highlighted(code: str) -> str:
    """HTML of the code, the same text with comments, strings, numbers and words of the language marked."""
    parts, at = [], 0
    for match in _TOKEN.finditer(code):
        kind = match.lastgroup
        parts += [
            escape(code[at : match.start()], quote=False),
            f'<i class="{kind}">{escape(match[0], quote=False)}</i>',
        ]
        at = match.end()
    return "".join([*parts, escape(code[at:], quote=False)])


def _fill(page: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", value)
    return page


def _import_map(page: str) -> str:
    """Allows this one inline script: browsers take an import map from nowhere else."""
    found = _IMPORT_MAP.search(page)
    if found is None:
        return ""
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    return f" 'sha256-{digest}'"
