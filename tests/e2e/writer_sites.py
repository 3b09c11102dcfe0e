"""The four sites of the writer on names of their own, a model that speaks as the test says, and a browser for them."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Page, Playwright

from tests.e2e.browser import Browser, running_browser
from tests.e2e.permissions import withholding_extension
from tests.e2e.writer import WriterPanel
from tests.host_process import write_policy
from tests.unit.engine.generation_bench import KEY, Reply, Vendor, chat_end, chat_text
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.pull_request_pages import address
from tests.upstreams.pull_request_sites import KINDS, ChangedFile, Kind, PullRequest, PullRequestSite
from tests.upstreams.server import Server
from tests.upstreams.site import Site
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority
from tests.upstreams.tunnel import Proxy

HERE: Final = Path(__file__).parent
EDITORS: Final = HERE.parent / "writer"
# Bitbucket is in the cloud alone; the others are told by what is in their pages.
HOSTS: Final[dict[Kind, str]] = {
    "bitbucket": "bitbucket.org",
    "forgejo": "forgejo.example",
    "github": "github.example",
    "gitlab": "gitlab.example",
}
ORIGINS: Final = {kind: f"https://{host}" for kind, host in HOSTS.items()}
TOKEN: Final = "lw-site-token-Wq83kZm1Xv70TnB5"
_FILE: Final = ChangedFile("wait.py", "@@ -1 +1,2 @@\n-wait(1)\n+seconds = after(answer)\n+wait(seconds)\n")
PULL_REQUEST: Final = PullRequest(
    project="ann/hello", title="Wait as long as the server says", source="retry-after", files=(_FILE,)
)

POLICY: Final = """\
version = 1

[writer]
pages = [{pages}]

[[grant]]
name = "for-the-writer"
principal = "writer"
pages = [{pages}]
destinations = [{interfaces}]
methods = ["GET"]
proxy = "http://127.0.0.1:{proxy}"
ca_file = "{ca_file}"
inject = {{ Authorization = "Bearer {{secret:token}}" }}
generate = ["vendor", "other"]

[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "{vendor}"
network = "loopback"
models = ["test-1", "test-*"]
secret = "key"
{more}

[[provider]]
name = "other"
kind = "openai-chat"
base_url = "{vendor}"
network = "loopback"
models = ["other-1"]
secret = "key"

[secret.token]
file = "{token_file}"

[secret.key]
file = "{key_file}"
"""


class Speech:
    """An answer of a model that is spoken by the test, piece by piece."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.begun = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        """Say what there is to say until it is over, or until nobody listens."""
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields))
        self.begun.set()
        gone = asyncio.create_task(request.connection.gone.wait())
        try:
            while True:
                piece = asyncio.create_task(self._pieces.get())
                await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    piece.cancel()
                    self.left.set()
                    return
                said = piece.result()
                await request.connection.send(b"0\r\n\r\n" if said is None else bodies.chunk(said))
                if said is None:
                    return
        finally:
            gone.cancel()

    def put(self, piece: bytes | None) -> None:
        """In the server's loop."""
        self._pieces.put_nowait(piece)


@dataclass
class World:
    """All of it, for the tests of one file."""

    browser: Browser
    sites: dict[Kind, PullRequestSite]
    vendor: Vendor
    vendor_server: ThreadedServer
    policy: dict[str, Any]
    pages: dict[Kind, str] = field(default_factory=dict)

    def answers(self, *replies: Reply) -> None:
        """What the model answers from now on."""
        self.vendor.replies[:] = replies
        self.vendor.requests.clear()
        self.vendor.sent.clear()

    def speech(self) -> Speech:
        """An answer that the test speaks."""
        speech = Speech()
        self.answers(speech)
        return speech

    def say(self, speech: Speech, *texts: str) -> None:
        """More of it."""
        for text in texts:
            self._put(speech, chat_text(text))

    def close(self, speech: Speech, tokens: int = 5) -> None:
        """That was all of it."""
        self._put(speech, chat_end((9, tokens)))
        self._put(speech, None)

    def heard(self, speech: Speech) -> None:
        """Wait until somebody listens to it."""
        self.vendor_server.run(speech.begun.wait)

    def left(self, speech: Speech) -> None:
        """Wait until nobody listens to it any more."""
        self.vendor_server.run(speech.left.wait)

    def _put(self, speech: Speech, piece: bytes | None) -> None:
        async def put() -> None:
            speech.put(piece)

        self.vendor_server.run(put)

    def open(
        self, kind: Kind, template: str | None = None, body: str = "", *, new: bool = True
    ) -> tuple[Page, WriterPanel]:
        """A page where a pull request is about to be made, with the site's editor; or one that is there already."""
        text = self.pages[kind]
        if template is not None:
            tag = '<script type="text/plain" id="template">'
            before, _, rest = text.partition(tag)
            text = f"{before}{tag}\n{template}\n</script>{rest.partition('</script>')[2]}"
        where = address(kind, new=new, pr=PULL_REQUEST)
        self.sites[kind].pages[where] = text.replace("</html>", f"{body}</html>")
        page = self.browser.open(f"{ORIGINS[kind]}{where}")
        page.wait_for_function("typeof saved === 'function'")
        return page, WriterPanel(page)

    def write_policy(self, more: str = "", **changes: Any) -> None:
        """The policy, with more lines of the provider."""
        write_policy(self.browser.home, POLICY.format(**{**self.policy, "more": more, **changes}))

    def asked_with_token(self, kind: Kind) -> bool:
        """Whether all that the site was asked for a diff came with the grant's token, which no message shows."""
        requests = self.sites[kind].requests
        return bool(requests) and all(each.header("authorization") == f"Bearer {TOKEN}" for each in requests)

    def prompt(self, number: int = -1) -> str:
        """What the model was asked."""
        (message,) = self.vendor.sent[number]["messages"]
        return str(message["content"])


class _Hosts:
    """One server for all names: what a name's site has, and the scripts of its page."""

    def __init__(self, sites: dict[Kind, PullRequestSite], scripts: Path) -> None:
        self._sites = {HOSTS[kind]: site for kind, site in sites.items()}
        self._sites["api.bitbucket.org"] = sites["bitbucket"]
        self._scripts = Site({"/preview_markdown": "rendered"}, scripts)

    async def __call__(self, request: Request) -> None:
        if request.path.endswith((".js", ".ico")) or request.path == "/preview_markdown":
            await self._scripts(request)
        else:
            await self._sites[request.header("host") or ""](request)


@contextmanager
def writer_world(playwright: Playwright, folder: Path) -> Iterator[World]:
    """Everything, running."""
    scripts = folder / "scripts"
    subprocess.run(["node", "bundle.mjs", str(scripts)], cwd=EDITORS, check=True)
    sites: dict[Kind, PullRequestSite] = {
        kind: PullRequestSite(kind, PULL_REQUEST, token=TOKEN, gitea=True) for kind in KINDS
    }
    authority = Authority()
    names = [*HOSTS.values(), "api.bitbucket.org"]
    context = authority.server_context(*names)
    vendor = Vendor([])
    with ExitStack() as stack:
        hosts = stack.enter_context(ThreadedServer(lambda: Server(_Hosts(sites, scripts), context=context)))
        port = urlsplit(hosts.url()).port
        assert port is not None
        proxy = stack.enter_context(ThreadedServer(lambda: Server(Proxy(port))))
        vendor_server = stack.enter_context(ThreadedServer(lambda: Server(vendor)))
        for name, text in (("token", TOKEN), ("key", KEY)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        interfaces = [
            *(f"https://{HOSTS[kind]}/api/" for kind in ("forgejo", "github", "gitlab")),
            "https://api.bitbucket.org/",
        ]
        policy = {
            "pages": ", ".join(f'"{origin}"' for origin in ORIGINS.values()),
            "interfaces": ", ".join(f'"{interface}"' for interface in interfaces),
            "proxy": urlsplit(proxy.url()).port,
            "ca_file": authority.write_ca(folder),
            "vendor": vendor_server.url("/v1"),
            "token_file": folder / "token",
            "key_file": folder / "key",
        }
        rules = ",".join(f"MAP {name}:443 127.0.0.1:{port}" for name in names)
        arguments = [f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]
        write_policy(folder, POLICY.format(**policy, more=""))
        browser = stack.enter_context(
            running_browser(playwright, folder, extension=withholding_extension(folder), arguments=arguments)
        )
        pages: dict[Kind, str] = {
            kind: (HERE / "writer_pages" / f"{kind}.html").read_text(encoding="utf-8") for kind in KINDS
        }
        yield World(browser, sites, vendor, vendor_server, policy, pages)
