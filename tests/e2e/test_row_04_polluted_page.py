"""Row 4: a page replaces and pollutes what it can before it uses the shim, and sees nothing of how the shim works."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.e2e.browser import STATUS, Browser
from tests.e2e.conftest import Upstream
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# The page sets traps at every place where a careless script would come by, and then uses the shim with what it saved.
# The fragment says how it went: whoever looks through the page's own functions would fall into the traps.
PAGE = """<!doctype html><title>polluted</title><script>
const { stringify } = JSON
const encode = encodeURIComponent
const text = String
const NativeError = Error
const { then } = Promise.prototype
const { defineProperty, getPrototypeOf } = Object
const callWith = (method, self, ...args) => Reflect.apply(method, self, args)
const reflectApply = Reflect.apply
const textOf = Response.prototype.text
const Originals = { Response, Promise }
const touched = []
const touch = (what) => defineProperty(touched, touched.length, { __proto__: null, value: what })

const longwireBefore = window.longwire
const members = ['headers', 'method', 'body', 'redirect', 'signal', 'type', 'id', 'url', 'data', 'code', 'phase',
  'size', 'offset', 'value', 'done', 'enumerable', 'configurable', 'writable', 'kind', 'timeouts', 'duplex',
  'retryable', 'message', 'status', 'reason', 'consumed', 'bytes', 'request', 'destinations', 'ports', 'persisted',
  'once', 'capture', 'passive', 'page', 'origin', 'highWaterMark', 'autoAllocateChunkSize', 'mode', 'transfer',
  'cause', 'statusText']
const pollute = () => {
  for (const member of members) {
    defineProperty(Object.prototype, member, {
      __proto__: null,
      configurable: true,
      get() { touch('read ' + member); return undefined },
      set() { touch('wrote ' + member) }
    })
  }
  for (let index = 0; index < 4; index++) {
    defineProperty(Array.prototype, index, { __proto__: null, configurable: true, set() { touch('array element') } })
  }
  const replace = (owner, name) => {
    defineProperty(owner, name, { __proto__: null, configurable: true, writable: true, value: function () {
      touch('called ' + text(name))
      throw new NativeError('trapped in ' + text(name))
    } })
  }
  for (const name of ['push', 'map', 'filter', 'forEach', 'concat', 'slice', 'join', 'includes']) {
    replace(Array.prototype, name)
  }
  for (const name of ['get', 'set', 'delete', 'has', 'forEach']) replace(Map.prototype, name)
  for (const name of ['apply', 'call', 'bind']) replace(Function.prototype, name)
  for (const name of ['slice', 'startsWith', 'split', 'toLowerCase']) replace(String.prototype, name)
  for (const name of ['addEventListener', 'removeEventListener', 'dispatchEvent']) replace(EventTarget.prototype, name)
  for (const name of ['postMessage', 'start', 'close']) replace(MessagePort.prototype, name)
  for (const name of ['then', 'catch', 'finally']) replace(Promise.prototype, name)
  for (const name of ['append', 'forEach', 'get', 'entries']) replace(Headers.prototype, name)
  for (const name of ['Response', 'Request', 'Headers', 'ReadableStream', 'TypeError', 'Promise', 'Map', 'WeakRef',
    'Uint8Array', 'FinalizationRegistry', 'fetch', 'setTimeout', 'clearTimeout', 'MessageChannel', 'Event', 'Error']) {
    replace(window, name)
  }
  for (const name of ['defineProperty', 'keys', 'assign', 'create', 'freeze', 'setPrototypeOf', 'entries']) {
    replace(Object, name)
  }
  replace(JSON, 'parse')
  replace(Headers.prototype, Symbol.iterator)
  replace(Array.prototype, Symbol.iterator)
}
const tell = (answer) => {
  const seen = touched.length === 0 ? '' : callWith(joined, touched, ', ')
  for (let index = 0; index < members.length; index++) delete Object.prototype[members[index]]
  for (let index = 0; index < 4; index++) delete Array.prototype[index]
  location.hash = encode(stringify([answer, seen]))
}
const joined = Array.prototype.join

function run(url) {
  pollute()
  let promise
  try {
    // What a careless script would do, to see that the traps are set.
    if (url === 'careless') [].push({}.headers)
    promise = longwire.fetch(url)
  } catch (error) {
    return tell('threw ' + error.message)
  }
  // Reading a promise or a response is the page's own business, from here on with what it saved.
  reflectApply(then, promise, [(response) => {
    const genuine = getPrototypeOf(response) === Originals.Response.prototype
    const status = response.status
    const own = getPrototypeOf(promise) === Originals.Promise.prototype
    reflectApply(then, reflectApply(textOf, response, []), [
      (text) => tell({ genuine, own, status, text, same: longwire === longwireBefore }),
      (error) => tell('body failed ' + error)
    ])
  }, (error) => tell({ code: error.code, phase: error.phase })])
}
run(decodeURIComponent(location.search.slice(1)))
</script>"""


def ask(browser: Browser, site: str, url: str) -> tuple[Any, str]:
    """What a page with all its traps set gets from `url`, and which of them were sprung."""
    page = browser.open(f"{site}?{quote(url, safe='')}")
    # A question that does not go through the page's world.
    page.wait_for_url(re.compile("#"))
    answer, sprung = json.loads(unquote(page.url.partition("#")[2]))
    return answer, sprung


@pytest.fixture
def polluted(browser: Browser, upstream: Upstream) -> Iterator[str]:
    """The page's URL, in a browser that has put the shim into every page it will put it into."""
    app = make_app()
    app.site.put("/", "<!doctype html><title>first</title>")
    app.site.put("/polluted", PAGE)
    with ThreadedServer(lambda: Server(app.routes, name="localhost")) as site:
        browser.grant(upstream.root)
        # Once after its installation the worker injects the shim into what is open.
        assert browser.open(site.url("/")).evaluate(STATUS)["state"] == "ready"
        yield site.url("/polluted")


def test_a_polluted_page_gets_genuine_answers_and_springs_no_trap(
    browser: Browser, upstream: Upstream, polluted: str
) -> None:
    answer, sprung = ask(browser, polluted, upstream.url("/echo"))
    assert sprung == ""
    assert (answer["genuine"], answer["own"], answer["same"], answer["status"]) == (True, True, True, 200)
    assert json.loads(answer["text"])["method"] == "GET"
    (request,) = upstream.server.requests
    assert (request.method, request.path) == ("GET", "/echo")


def test_a_polluted_page_is_refused_in_the_same_words(browser: Browser, polluted: str) -> None:
    assert ask(browser, polluted, "https://elsewhere.test/") == ({"code": "POLICY_DENIED", "phase": "policy"}, "")


def test_the_traps_are_set(browser: Browser, polluted: str) -> None:
    """The other half of a list without entries."""
    answer, sprung = ask(browser, polluted, "careless")
    assert sprung == "read headers, called push"
    assert answer == "threw trapped in push"
