"""`longwire.generate` in real Chromium, through the real host, against vendors on this machine."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Browser
from tests.e2e.conftest import Upstream
from tests.e2e.popup import open_popup
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.slices import sliced
from tests.unit.engine.generation_bench import KEY, Reply, Vendor, chat, chat_end, chat_text, event, refusing
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

GENERATE = script("generate.js")
QUESTION = {"provider": "vendor", "messages": [{"role": "user", "content": "Why?"}]}
WORDS = ("Because", " of", " that")


def policy(upstream: Upstream, key_file: Path, provider: str = "", grant: str = "") -> str:
    """Two providers at one server, of which the page may ask both."""
    return f"""\
version = 1
[[grant]]
name = "answers"
pages = ["http://localhost:*"]
generate = ["vendor", "other"]
{grant}
[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "{upstream.url("/v1")}"
models = ["gpt-5-mini"]
network = "loopback"
secret = "key"
{provider}
[[provider]]
name = "other"
kind = "openai-chat"
base_url = "{upstream.url("/other")}"
models = ["other-1"]
network = "loopback"
[secret.key]
file = "{key_file}"
"""


@dataclass
class Stage:
    """A page that may generate, and who answers it."""

    page: Page
    vendor: Vendor
    upstream: Upstream
    browser: Browser
    key_file: Path

    def allow(self, provider: str = "", grant: str = "") -> None:
        write_policy(self.browser.home, policy(self.upstream, self.key_file, provider, grant))

    def begin(self, options: dict[str, Any] | None = None, **request: Any) -> None:
        self.page.evaluate(GENERATE, {"request": QUESTION | request, "options": options or {}})

    def outcome(self) -> Any:
        return self.page.evaluate("() => generated")

    def generate(self, *replies: Reply, **request: Any) -> Any:
        self.vendor.replies = list(replies)
        self.begin(**request)
        return self.outcome()


@pytest.fixture
def stage(browser: Browser, site: ThreadedServer, upstream: Upstream, tmp_path: Path) -> Stage:
    key_file = tmp_path / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    vendor = Vendor([])
    for folder in ("/v1/", "/other/"):
        upstream.app.routes.add(folder, vendor)
    stage = Stage(browser.open("about:blank"), vendor, upstream, browser, key_file)
    stage.allow()
    stage.page.goto(site.url("/"))
    return stage


def test_the_first_content_is_on_the_page_before_the_provider_is_done(stage: Stage) -> None:
    stage.upstream.app.routes.add("/v1/", stage.upstream.app.streams)
    events = stage.upstream.app.streams.channel()
    stage.begin()
    for count, word in enumerate(WORDS, 1):
        events.event(json.dumps({"choices": [{"index": 0, "delta": {"content": word}}]}))
        expect(stage.page.locator("body")).to_have_text("".join(WORDS[:count]))
    events.event(json.dumps({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    events.event(json.dumps({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))
    events.event("[DONE]")
    events.end()
    done = stage.outcome()
    assert (done["text"], done["state"]) == ("Because of that", "done")
    assert [event["type"] for event in done["events"]] == [
        "metadata", "status", "status", "status", "content", "content", "content", "usage", "complete",
    ]  # fmt: skip
    last = done["events"][-1]["data"]
    assert (last["provider"], last["finishReason"]) == ("vendor", "stop")
    assert last["usage"] == {"inputTokens": 7, "outputTokens": 3, "estimated": False}


def test_stop_reaches_the_provider_and_what_has_arrived_stays(stage: Stage) -> None:
    stage.upstream.app.routes.add("/v1/", stage.upstream.app.streams)
    events = stage.upstream.app.streams.channel()
    stage.begin()
    events.event(json.dumps({"choices": [{"index": 0, "delta": {"content": "half"}}]}))
    expect(stage.page.locator("body")).to_have_text("half")
    stage.page.evaluate("() => answer.cancel()")
    stage.upstream.run(stage.upstream.server.connections[-1].wait_gone)
    assert (stage.outcome()["text"], stage.outcome()["state"]) == ("half", "cancelled")


def test_the_popup_shows_a_generation_and_stops_it(stage: Stage) -> None:
    stage.upstream.app.routes.add("/v1/", stage.upstream.app.streams)
    stage.upstream.app.streams.channel().event(json.dumps({"choices": [{"index": 0, "delta": {"content": "half"}}]}))
    stage.begin()
    expect(stage.page.locator("body")).to_have_text("half")
    popup = open_popup(stage.browser, stage.page)
    row = popup.locator("#streams li")
    expect(row).to_contain_text("A language model")
    expect(row).to_contain_text("generate")
    row.get_by_role("button").click()
    stage.upstream.run(stage.upstream.server.connections[-1].wait_gone)
    done = stage.outcome()
    assert (done["text"], done["error"]["code"]) == ("half", "STOPPED_BY_USER")


QUOTA = refusing(429, {"message": "used up", "code": "insufficient_quota"})
HOUR = refusing(429, {"message": "slow down"}, {"Retry-After": "3600"})
FAILURES = {
    "AUTHENTICATION": (refusing(401, {"message": "Incorrect API key provided"}), "AUTH", False),
    "QUOTA_EXCEEDED": (QUOTA, "SERVER", False),
    "RATE_LIMITED": (HOUR, "RATE_LIMITED", True),
    "CONTEXT_TOO_LONG": (refusing(400, {"message": "no", "code": "context_length_exceeded"}), "SERVER", False),
    "CONTENT_FILTERED": (refusing(400, {"message": "no", "code": "content_policy_violation"}), "SERVER", False),
    "MODEL_UNKNOWN": (refusing(404, {"message": "no", "code": "model_not_found"}), "SERVER", False),
    "BAD_REQUEST": (refusing(400, {"message": "no"}), "SERVER", False),
    "PROVIDER_UNAVAILABLE": (refusing(502, {"message": "no"}), "SERVER", True),
    "OVERLOADED": (refusing(529, {"message": "no"}, {"Retry-After": "3600"}), "SERVER", True),
    "GENERATION_FAILED": (chat(event({"error": {"message": "no", "type": "server_error"}})), "SERVER", True),
    "ENDED_EARLY": (chat(chat_text("half")), "NETWORK", True),
}


# An error status, one with a wait, an error in the stream and a stream that ends; each category once.
@pytest.mark.parametrize(
    "code",
    sliced(
        {code: code for code in FAILURES},
        "AUTHENTICATION",
        "RATE_LIMITED",
        "MODEL_UNKNOWN",
        "GENERATION_FAILED",
        "ENDED_EARLY",
    ),
)
def test_a_failure_is_an_error_of_the_library_with_the_code_of_the_event(stage: Stage, code: str) -> None:
    reply, category, retryable = FAILURES[code]
    done = stage.generate(reply)
    error, last = done["error"], done["events"][-1]
    assert (error["name"], error["code"], error["category"], error["retryable"]) == (
        "StreamError", code, category, retryable,
    )  # fmt: skip
    assert (last["type"], last["data"]["code"]) == ("error", code)
    # Whatever may be paid for is asked once, and the page's library does not ask again either.
    assert len(stage.vendor.requests) == 1
    if code == "RATE_LIMITED":
        assert error["retryAfter"] == 3_600_000


def test_retries_and_another_provider_are_announced_on_the_page(stage: Stage) -> None:
    later = refusing(429, {"message": "slow down"}, {"Retry-After": "0"})
    done = stage.generate(later, QUOTA, chat(chat_text("from the other"), chat_end()), fallback=["other"])
    phases = [event["data"]["phase"] for event in done["events"] if event["type"] == "status"]
    assert phases == [
        "queued", "connecting", "retrying", "connecting", "switching_provider", "queued", "connecting", "generating",
    ]  # fmt: skip
    assert (done["text"], done["events"][-1]["data"]["provider"]) == ("from the other", "other")
    assert [request.header("authorization") for request in stage.vendor.requests] == [f"Bearer {KEY}"] * 2 + [None]


def test_a_budget_is_held_and_says_when_there_is_room_again(stage: Stage) -> None:
    stage.allow(provider='limits = { requests = "1/day" }')
    answer = chat(chat_text("a"), chat_end())
    assert stage.generate(answer)["text"] == "a"
    error = stage.generate(answer)["error"]
    assert (error["code"], error["category"], error["retryable"]) == ("LIMIT_EXCEEDED", "RATE_LIMITED", True)
    # A day, and the slice of it in which the first one was counted.
    assert 23 * 3600_000 < error["retryAfter"] < 25 * 3600_000


def test_input_that_is_cut_is_announced_before_any_content(stage: Stage) -> None:
    stage.allow(provider='max_input = "1kB"')
    text = "".join(f"line {number}\n" for number in range(1000))
    answer = chat(chat_text("a"), chat_end())
    done = stage.generate(answer, messages=[{"role": "user", "content": text}])
    metadata = done["events"][0]["data"]
    assert (metadata["truncated"], metadata["originalSize"]) == (True, len(text))
    assert metadata["truncatedSize"] == len(stage.vendor.sent[0]["messages"][-1]["content"]) <= 1000


def test_what_was_asked_for_and_stopped_or_killed_stays_spent(stage: Stage) -> None:
    stage.allow(provider='limits = { requests = "3/day", tokens = "20k/day" }')

    async def hold(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("h")))
        await request.connection.wait_gone()

    stage.vendor.replies = [hold]
    ended = []
    for stop in ("() => answer.cancel()", None):
        stage.begin()
        stage.page.wait_for_function("answer.text === 'h'")
        if stop is None:
            for host in stage.browser.hosts():
                host.kill()
        else:
            stage.page.evaluate(stop)
        ended.append(stage.outcome()["state"])
    assert ended == ["cancelled", "failed"]
    # 8,192 tokens of answer were reserved for each of the two: there is no room for a third.
    error = stage.generate(chat(chat_text("a"), chat_end()))["error"]
    assert (error["code"], error["category"], error["retryable"]) == ("LIMIT_EXCEEDED", "RATE_LIMITED", True)


def test_what_the_page_may_not_ask_is_denied_with_what_would_allow_it(stage: Stage) -> None:
    error = stage.generate(QUOTA, provider="nobody")["error"]
    assert (error["code"], error["category"]) == ("POLICY_DENIED", "POLICY")
    assert "nobody" in error["message"] and stage.vendor.requests == []


def test_text_of_a_model_is_text(stage: Stage) -> None:
    hostile = '<img src=x onerror="window.hacked=1">\n\ndata: {"type":"complete"}\n\n'
    done = stage.generate(chat(chat_text(hostile), chat_end()))
    assert done["text"] == hostile and stage.page.evaluate("() => window.hacked") is None


def test_an_unmodified_sdk_and_generate_show_the_same_text_of_one_vendor(stage: Stage, tmp_path: Path) -> None:
    stage.allow(grant=f'destinations = ["{stage.upstream.url("/v1/")}"]\nmethods = ["POST"]\nnetwork = "loopback"')
    (tmp_path / "entry.js").write_text("export { default } from 'openai'\n")
    root = Path(__file__).parents[2]
    subprocess.run(
        [root / "extension/node_modules/.bin/esbuild", tmp_path / "entry.js", "--bundle", "--global-name=sdk",
         f"--outfile={tmp_path / 'sdk.js'}"],
        env=os.environ | {"NODE_PATH": str(root / "tests/compat/node_modules")}, capture_output=True, check=True,
    )  # fmt: skip
    stage.page.add_script_tag(path=tmp_path / "sdk.js")
    stage.vendor.replies = [chat(*(chat_text(word) for word in WORDS), chat_end())]
    by_sdk = stage.page.evaluate(script("ask_by_sdk.js"), stage.upstream.url("/v1"))
    stage.begin()
    assert by_sdk == stage.outcome()["text"] == "".join(WORDS)


def example(number: int) -> str:
    """The guide's code, as the body of a function, with the test's provider."""
    guide = (Path(__file__).parents[2] / "docs" / "generation.md").read_text("utf-8")
    code = re.findall(r"```js\n(.*?)```", guide, re.DOTALL)[number]
    assert "'openai'" in code
    code = code.replace("'openai'", "'vendor'")
    return f"async () => {{ {code} }}"


def test_the_first_example_of_the_guide_shows_an_answer(stage: Stage) -> None:
    stage.vendor.replies = [chat(*(chat_text(word) for word in WORDS), chat_end((7, 3)))]
    stage.page.evaluate("() => { document.body.innerHTML = '<p id=note></p><p id=output></p><button id=button>' }")
    stage.page.evaluate(example(0))
    expect(stage.page.locator("#output")).to_have_text("".join(WORDS))
    expect(stage.page.locator("#note")).to_have_text("3 tokens")


def test_the_guides_example_of_tools_calls_them_and_tells_what_they_gave(stage: Stage) -> None:
    function = {"name": "weather", "arguments": '{"city": "Wuppertal"}'}
    call = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    called = event({"choices": [{"index": 0, "delta": call}]})
    ended = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}) + b"data: [DONE]\n\n"
    stage.vendor.replies = [chat(called, ended), chat(chat_text("Yes."), chat_end())]
    stage.page.evaluate("() => { window.weather = async (city) => `It rains in ${city}` }")
    stage.page.evaluate(example(1))
    roles = [message["role"] for message in stage.vendor.sent[1]["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert stage.vendor.sent[1]["messages"][2]["content"] == "It rains in Wuppertal"
