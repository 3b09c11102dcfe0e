"""A page on the web asks a model on this machine: no CORS headers, no prompt, no setting of the server."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Playwright

from tests.e2e.browser import running_browser
from tests.e2e.permissions import withholding_extension
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.unit.engine.generation_bench import WIRES, Vendor, streaming
from tests.upstreams.server import Server
from tests.upstreams.site import Site
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority
from tests.upstreams.vendors.wire import WHOLE_TEXT

HOST_NAME = "chat.example.test"
POLICY = """\
version = 1
[[grant]]
name = "local"
pages = ["https://{page}"]
generate = ["ollama"]
[[provider]]
name = "ollama"
kind = "ollama"
base_url = "{ollama}"
models = ["llama3.2"]
network = "loopback"
"""
OWN_FETCH = "(url) => fetch(url, { method: 'POST', body: '{}' }).then(() => 'answered', ({ name }) => name)"


def test_ollama_from_a_hosted_page(playwright: Playwright, tmp_path: Path) -> None:
    site = Site()
    site.put("/", "<!doctype html><title>hosted</title>")
    context = Authority().server_context(HOST_NAME)
    vendor = Vendor([streaming(WIRES["ollama"])])
    rules = [f"--host-resolver-rules=MAP {HOST_NAME} 127.0.0.1", "--ignore-certificate-errors"]
    with (
        ThreadedServer(lambda: Server(site, name=HOST_NAME, context=context)) as hosted,
        ThreadedServer(lambda: Server(vendor)) as ollama,
    ):
        write_policy(tmp_path, POLICY.format(page=urlsplit(hosted.url()).netloc, ollama=ollama.url("")))
        with running_browser(
            playwright, tmp_path, extension=withholding_extension(tmp_path), arguments=rules
        ) as browser:
            _ask(browser.open(hosted.url()), ollama, vendor)


def _ask(page: Page, ollama: ThreadedServer, vendor: Vendor) -> None:
    page.wait_for_function("typeof longwire === 'object'")
    assert page.evaluate(OWN_FETCH, ollama.url("/api/chat")) == "TypeError"
    asked_by_the_page = len(vendor.requests)
    question = {"provider": "ollama", "messages": [{"role": "user", "content": "Why?"}]}
    page.evaluate(script("generate.js"), {"request": question})
    done = page.evaluate("() => generated")
    assert (done["text"], done["state"]) == (WHOLE_TEXT, "done"), done
    (request,) = vendor.requests[asked_by_the_page:]
    assert (request.method, request.path, request.header("origin")) == ("POST", "/api/chat", None)
    status = page.evaluate("() => longwire.status()")
    assert status["providers"] == [{"name": "ollama", "models": ["llama3.2"]}]
