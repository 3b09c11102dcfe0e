"""Three people follow the README in an empty home: each step as a person does it, with its time printed.

Only the server is another one, and its answer comes word by word when the page has shown the word before.
"""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from longwire.demo.pages import EXAMPLE_ORIGIN
from tests.e2e.browser import longwire, running_browser
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.e2e.walk import Walk
from tests.host_process import environment
from tests.private_etc import etc_is_ours, run_privately
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
KEY = "sk-journey-0123456789abcdef"
CHAT = "/v1/chat/completions"
WORDS = ("Once", " upon", " a time")

SDK_PAGE = f"""<!doctype html><title>chat</title><p id=answer></p>
<script type=module>{script("sdk_page.js")}</script>"""


def speak(page: Page, upstream: Upstream) -> None:
    """An answer whose next word is not sent before the last one is on the page."""
    events = upstream.app.streams.channel()
    for count, word in enumerate(WORDS, 1):
        events.event(json.dumps({"choices": [{"delta": {"content": word}}]}))
        expect(page.locator("#answer")).to_have_text("".join(WORDS[:count]))
    events.event("[DONE]")
    events.end()


def store_key(home: Path) -> str:
    """`longwire secret set openai`, with the key typed; returns the two lines of the policy that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", "secret", "set", "openai"],
        input=KEY, env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout[done.stdout.index("[secret.openai]") :]


def test_a_web_developer_with_the_openai_sdk(playwright: Playwright, tmp_path: Path, upstream: Upstream) -> None:
    walk = Walk("journey of a web developer")
    app = make_app()
    upstream.app.routes.add(CHAT, upstream.app.streams)
    with walk.step("bundle the SDK"):
        (tmp_path / "entry.js").write_text("export { default } from 'openai'\n")
        subprocess.run(
            ["node", "-e", _BUNDLE, str(tmp_path / "entry.js"), str(tmp_path / "openai.js")],
            cwd=ROOT / "extension", check=True,
        )  # fmt: skip
    app.site.put("/openai.js", (tmp_path / "openai.js").read_text("utf-8"))
    ((shown),) = re.findall(r"const client = (new OpenAI\(.*\));", README)
    client = shown.replace("{ fetch:", f"{{ baseURL: '{upstream.url('/v1')}', fetch:")
    assert client != shown
    app.site.put("/chat", SDK_PAGE.replace("CLIENT", client))
    home = tmp_path / "home"
    home.mkdir()
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        with walk.step("install"):
            longwire(home, "install", "--user-data-dir", str(home / "profile"))
        with walk.step("store the key"):
            secret = store_key(home)
        with walk.step("write the grant and check it"):
            ((grant),) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
            for told, here in {
                "http://localhost:5173": site.url("").rstrip("/"),
                "https://api.openai.com/v1/": upstream.url("/v1/"),
                'network = "public" ': 'network = "loopback" ',
                "[secret.openai]\nfile = '/home/me/.config/longwire/secrets/openai'\n": secret,
            }.items():
                assert told in grant
                grant = grant.replace(told, here)
            (home / "config" / "longwire" / "policy.toml").write_text(grant)
            asked = ("--page", site.url("").rstrip("/"), "--url", upstream.url("/v1/models"))
            assert longwire(home, "policy", "check", *asked).startswith("allowed")
        with running_browser(playwright, home, install=False) as browser, walk.step("open the page, read the answer"):
            page = browser.open(site.url("/chat"))
            speak(page, upstream)
            expect(page.locator("#answer")).to_have_attribute("data-over", "yes")
            (request,) = upstream.server.requests
            assert request.header("authorization") == f"Bearer {KEY}"
            assert KEY not in page.content()
            with walk.step("ask the doctor"):
                told = longwire(home, "doctor", "--user-data-dir", str(home / "profile"))
            assert "fail" not in told
    walk.tell()


_BUNDLE = """
const [, entry, outfile] = process.argv
require('esbuild').buildSync({
  entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'browser',
  nodePaths: ['../tests/compat/node_modules']
})
"""


def test_a_page_with_one_script_tag(playwright: Playwright, tmp_path: Path, upstream: Upstream) -> None:
    walk = Walk("journey of a page with one script tag")
    app = make_app()
    upstream.app.routes.add(CHAT, upstream.app.streams)
    ((shown),) = re.findall(r"```html page\n(.*?)```", MANUAL, re.DOTALL)
    app.site.put("/", f"<!doctype html><title>page</title>{shown.replace(f'{EXAMPLE_ORIGIN}/', upstream.root)}")
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        with walk.step("install"):
            longwire(tmp_path, "install", "--user-data-dir", str(tmp_path / "profile"))
        with running_browser(playwright, tmp_path, install=False) as browser:
            with walk.step("write a grant"):
                browser.grant(upstream.root, page=site.url("").rstrip("/"))
            with walk.step("open the page, read the answer"):
                speak(browser.open(site.url("/")), upstream)
    walk.tell()


# What the administrator types, as root. `$room` is what the user has for a home.
ADMINISTRATOR = """
set -e
step() { echo "step $1 $(date +%s.%N)"; }
step begin
longwire install --system --browser chromium
step install
groupadd longwire
printf '%s' "$key" | longwire secret set api --system
step secret
printf '%s' "$policy" > /etc/longwire/policy.toml
longwire policy validate
step policy
mkdir -m 755 "$room/user"
chown 65534:65534 "$room/user"
cd "$room/user"
exec setpriv --reuid 65534 --regid 65534 --groups "$(getent group longwire | cut -d: -f3)" \\
    env HOME="$room/user" "$python" -m tests.e2e.users_browser "$room/user" "$page" "$server" "$elsewhere"
"""
POLICY = """\
version = 1

[[grant]]
name = "chat"
pages = ["PAGE"]
destinations = ["SERVER"]
methods = ["GET", "POST"]
network = "loopback"
inject = { Authorization = "Bearer {secret:api}" }

[secret.api]
file = "/etc/longwire/secrets/api"
"""


@pytest.mark.skipif(not etc_is_ours(), reason="needs root, unshare and setpriv, for an /etc of its own")
def test_an_administrator_and_a_user_of_theirs(tmp_path: Path, upstream: Upstream, site: ThreadedServer) -> None:
    walk = Walk("journey of an administrator")
    upstream.app.routes.add(CHAT, upstream.app.streams)
    page, server = site.url("").rstrip("/"), upstream.url("/v1/")
    elsewhere = upstream.url("/echo")
    events = upstream.app.streams.channel()
    for word in WORDS:
        events.event(word)
    events.end()
    done = run_privately(
        ADMINISTRATOR, key=KEY, policy=POLICY.replace("PAGE", page).replace("SERVER", server),
        page=site.url("/"), server=upstream.url(CHAT), elsewhere=elsewhere,
        PLAYWRIGHT_BROWSERS_PATH=os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ""),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["status"]["state"] == "ready"
    assert [word in seen["text"] for word in WORDS] == [True] * 3
    # It is used, and neither seen by the page nor said by the commands.
    (request,) = upstream.server.requests
    assert request.header("authorization") == f"Bearer {KEY}"
    assert KEY not in done.stdout + done.stderr
    # The user's own file opens nothing: the administrator's is locked.
    assert seen["elsewhere"] == "POLICY_DENIED"
    assert "denied" in seen["check"] and "does not count" in seen["check"]
    times = dict(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("step "))
    steps = list(times)
    for before, after in pairwise(steps):
        walk.note(after, float(times[after]) - float(times[before]))
    for name, seconds in seen["times"].items():
        walk.note(name, seconds)
    walk.tell()
