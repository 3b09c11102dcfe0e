#!/usr/bin/env bash
# Playwright's route_from_har: a page gets its answers from a HAR file instead of servers.
#
# One would guess: the page gets what the file says that the server answered, or sees that there was no answer.
# What happens (versions below): a request that failed, which HAR files have as status 0, is answered with 200 and an
# empty body. Of a field that came twice only the last value is left; of Set-Cookie both are. Of two answers to the same
# request the first comes each time. A POST with another body than the recorded one is not found, one without any body is.
# An event stream whose events stand in `_eventSourceMessages` alone, as Chromium's own exports may have them, is an empty
# body. What holds: bytes in base64, and a text whose head says gzip, come as they were.
# Why it matters: a test of what a page does when a server is away passes against the recording of it for the wrong
# reason.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet playwright==1.65.2
cat >run.py <<'PY'
import json
import shutil
import sys

from playwright.sync_api import sync_playwright

SSE = ("content-type", "text/event-stream")
TEXT = "data: 1\n\n"


def entry(name, headers=(SSE,), status=200, method="GET", content=None, post=None, **more):
    head = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1, "bodySize": -1}
    request = {**head, "method": method, "url": f"http://app.test/{name}", "headers": [], "queryString": []}
    if post is not None:
        request["postData"] = {"mimeType": "text/plain", "text": post}
    fields = [{"name": name, "value": value} for name, value in headers]
    content = {"size": 9, "mimeType": "text/event-stream", "text": TEXT} if content is None else content
    response = {**head, "status": status, "statusText": "", "headers": fields, "content": content, "redirectURL": ""}
    timings = {"send": 0, "wait": 1, "receive": 1}
    began = "2026-12-01T03:00:00.125Z"
    return {"startedDateTime": began, "time": 2, "request": request, "response": response, "cache": {}, "timings": timings, **more}


EVENTS = [{"time": 1, "eventName": "message", "eventId": "", "data": "1"}]
ENTRIES = [
    entry("failed", headers=(), status=0, content={"size": 0, "mimeType": "x-unknown"}, _error="net::ERR_FAILED"),
    entry("twice", headers=(SSE, ("x-a", "1"), ("x-a", "2"))),
    entry("same", content={"size": 1, "mimeType": "text/plain", "text": "first"}),
    entry("same", content={"size": 1, "mimeType": "text/plain", "text": "second"}),
    entry("posted", method="POST", post="a"),
    entry("events", content={"size": 9, "mimeType": "text/event-stream"}, _eventSourceMessages=EVENTS),
    entry("bytes", content={"size": 2, "mimeType": "text/event-stream", "encoding": "base64", "text": "/wA="}),
    entry("gzip", headers=(SSE, ("content-encoding", "gzip"))),
]
FETCH = """async ([url, init]) => {
  try {
    const response = await fetch(url, init)
    const bytes = [...new Uint8Array(await response.arrayBuffer())]
    return [response.status, String.fromCharCode(...bytes), response.headers.get('x-a')]
  } catch {
    return 'not found'
  }
}"""
POST = {"method": "POST", "body": "a"}
EXPECTED = {
    "a request that failed": ("failed", {}, [200, "", None]),
    "a field that came twice": ("twice", {}, [200, TEXT, "2"]),
    "the same again": ("same", {}, [200, "first", None]),
    "and again": ("same", {}, [200, "first", None]),
    "the recorded body": ("posted", POST, [200, TEXT, None]),
    "another body": ("posted", {**POST, "body": "b"}, "not found"),
    "no body": ("posted", {"method": "POST"}, [200, TEXT, None]),
    "events without a text": ("events", {}, [200, "", None]),
    "bytes": ("bytes", {}, [200, "\xff\x00", None]),
    "a text that was gzip": ("gzip", {}, [200, TEXT, None]),
}
with open("a.har", "w") as file:
    json.dump({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": ENTRIES}}, file)
same = True
with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    page.route("http://app.test/", lambda route: route.fulfill(body="<title>app</title>", content_type="text/html"))
    page.goto("http://app.test/")
    page.route_from_har("a.har", url="**/*", not_found="abort")
    for name, (path, init, expected) in EXPECTED.items():
        seen = page.evaluate(FETCH, [f"http://app.test/{path}", init])
        same = same and seen == expected
        print(f"{name:28} {seen!r}")
    browser.close()
if not same:
    sys.exit("This is no longer so.")
PY
venv/bin/python run.py
