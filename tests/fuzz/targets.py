"""What is fuzzed, and what must hold whatever comes in. A target raises `Broken`, or anything else, on a finding."""

import base64
import html
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, quote_plus, unquote_to_bytes

import ada_url

from longwire.policy import Provider, Rate
from longwire.policy.decision import Decision, decide
from longwire.policy.header_rules import Setter, is_hidden, setter_of
from longwire.policy.headers import build_request_headers, filter_response_headers
from longwire.policy.loading import parse_policy
from longwire.policy.matching import DestinationPattern, PagePattern
from longwire.policy.needles import needles
from longwire.policy.providers import parse_base_url
from longwire.policy.reflection import ReflectionScanner
from longwire.policy.secrets import Secret
from longwire.policy.urls import parse_canonical, parse_origin
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from tests.fuzz.answers import answer

CANARY: Final = "sk-fuzz-canary-0123456789-abcdefghijklmnop"  # as long as such keys are
PAGE: Final = "https://chat.example.com"
POLICY: Final = f"""\
version = 1
enabled = true
user_grants = false

[[grant]]
name = "chat"
pages = ["{PAGE}", "http://localhost:5173", "https://*.tools.example.com", "http://127.0.0.1:*"]
destinations = ["https://api.example.com/v1/", "https://*.example.org"]
methods = ["GET", "POST"]
network = "public"
inject = {{ Authorization = "Bearer {{secret:key}}" }}
private_windows = false
request_headers = ["content-type", "x-*", "authorization", "accept"]
response_headers = ["content-type", "x-*"]
proxy = "http://proxy.example.com:3128"
limits = {{ streams = 8, requests_per_minute = 120, bytes = "2GiB", header_timeout = "5m", total_timeout = "2h" }}
generate = ["models", "local"]

[[provider]]
name = "models"
kind = "openai"
base_url = "https://models.example.net/v1"
models = ["m-1", "m-2*"]
secret = "key"
network = "public"
max_input = "200kB"
prices = {{"m-1" = {{input = "1.25 USD/1M", output = "9 USD/M"}}, "m-2*" = {{ input = "0 USD/k", output = "1 USD/k" }}}}
limits = {{ requests = "10/15m", tokens = "200k/day", cost = "5 USD/day", total_timeout = "2h" }}

[[provider]]
name = "local"
kind = "ollama"
models = ["llama*"]

[[grant]]
name = "descriptions"
principal = "writer"
pages = ["https://git.example.com"]
generate = ["local"]

[writer]
pages = ["https://git.example.com", "https://*.forge.example.com:*"]

[secret.key]
file = "/run/secrets/key"
"""
GRANTS: Final = parse_policy(POLICY.encode(), Path("p"), "user").grants
T = TypeVar("T")


class Broken(Exception):
    """Something that must hold did not."""


def _some(rng: random.Random, parts: Sequence[T], most: int) -> list[T]:
    return [rng.choice(parts) for _ in range(rng.randint(0, most))]


# --- policy files -----------------------------------------------------------------------------------------------

_POLICY_PARTS: Final = (
    *("[[grant]]", "[secret.key]", "[grant]", "[secret]", "=", '"', "'", '"""', "'''", "\n", "\r", ",", "[", "]"),
    *("{", "}", "name", "pages", "destinations", "methods", "inject", "limits", "version", "enabled", "true", "1"),
    *("*.", "*", "https://", "http://[::1]", ":99999", "/../", "%2e", "\\u0000", "\\", "\0", "\x7f", "\ufeff", "#"),
    *(f'"{CANARY}"', f"'{CANARY}'", CANARY, "{secret:key}", "{secret:", "proxy", '"https://*.com"', "inf", "-0", "1e9"),
    *("[[provider]]", "generate", "kind", "models", "/day", "USD/1M", '"longwire:terminal"', "longwire:", "é"),
    *("[writer]", "principal", '"writer"', '"page"'),
)  # fmt: skip
_TO_WRITE: Final = re.compile(r'write ".*"$')


def policy_file(rng: random.Random) -> str:
    """A policy file that somebody mutilated."""
    text = POLICY
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 0, 1, 5, 40)))
        text = text[:start] + "".join(_some(rng, _POLICY_PARTS, 3)) + text[end:]
    document = parse_policy(text.encode("utf-8", "surrogatepass"), Path("p"), "user")
    for problem in (*document.problems, *document.warnings):
        said = str(problem)
        # A page or destination in its canonical form is the one thing that is repeated: a URL, and what to write.
        if CANARY in _TO_WRITE.sub("", said) or not said.isprintable() or len(said) > 2 * MAX_MESSAGE_CHARS:
            raise Broken(f"a text that may not be shown, of {len(said)} characters")
        if problem.line is not None and not 1 <= problem.line <= text.count("\n") + 1:
            raise Broken(f"line {problem.line} of {text.count(chr(10)) + 1}")
    if document.problems:
        if document.grants:
            raise Broken("grants although there are problems")
        return "refused"
    for grant in document.grants:
        for destination in grant.destinations:
            if DestinationPattern.parse(str(destination)) != destination:
                raise Broken("a destination that does not read back")
        for page in grant.pages:
            if PagePattern.parse(str(page)) != page:
                raise Broken("a page that does not read back")
        origins = [origin for page in grant.pages if (origin := parse_origin(str(page))) is not None]
        if grant.principal == "writer" and any(grant.names_page(origin) for origin in origins):
            raise Broken("scripts of a page have a grant of the writer's")
        if not set(grant.generate) <= set(document.providers):
            raise Broken("a grant with a provider of nobody's")
    for provider in document.providers:
        _judge_provider(provider)
    return "read"


def _judge_provider(provider: Provider) -> None:
    if parse_base_url(provider.base_url.href) != provider.base_url:
        raise Broken("a base_url that does not read back")
    for read, limit in ((Rate.parse, provider.limits.requests), (Rate.parse, provider.limits.tokens)):
        if limit is not None and read(str(limit)) != limit:
            raise Broken("a limit that does not read back")
    cost = provider.limits.cost
    for _, prices in provider.prices:
        if cost is not None and {prices.input.currency, prices.output.currency} != {cost.currency}:
            raise Broken("prices in another currency than the limit")
    if provider.default_model is not None and not provider.allows_model(provider.default_model):
        raise Broken("a default model that it does not have")


# --- URLs -------------------------------------------------------------------------------------------------------

_URL_PARTS: Final = (
    *("https:", "http:", "//", "/", "\\", "@", ":", "?", "#", "%", ".", "..", ";", "%2e", "%2F", "%5c", "%00", "%25"),
    *("api.example.com", "a.example.org", "example.org", "evil.test", "127.0.0.1", "[::1]", "v1", "v1/", "admin"),
    *("\t", "\n", "\r", " ", "\0", "ü", "\u3002", "\uff0f", "\u2024", "\ud800", "xn--", "%c0%ae", "%u002e", "%2", "é"),
)  # fmt: skip


def url_decision(rng: random.Random) -> str:
    """A URL made of what parsers disagree about, decided by a policy with a path prefix."""
    head = rng.choice(("https://api.example.com/v1/", "https://a.example.org/", "https://", ""))
    text = head + "".join(_some(rng, _URL_PARTS, 8))
    if rng.random() < 0.5:
        text = _normalised(text)
    try:
        decision = decide(GRANTS, PAGE, private=False, method="GET", url=text)
    except StreamError as error:
        if error.code not in (ErrorCode.POLICY_DENIED, ErrorCode.PROTOCOL):
            raise Broken(f"refused with {error.code}") from error
        if len(error.text) > MAX_MESSAGE_CHARS or not error.text.isprintable():
            raise Broken("a message that may not be shown") from error
        return str(error.code)
    _judge_allowed(text, decision)
    return "allowed"


def _normalised(text: str) -> str:
    try:
        return str(ada_url.URL(text).href)
    except (ValueError, UnicodeEncodeError):
        return text


def _judge_allowed(text: str, decision: Decision) -> None:
    """By other means than the code under test: where would this really go?"""
    href = decision.url.href
    if ada_url.URL(text.partition("#")[0]).href != href or text.partition("#")[0] != href:
        raise Broken("what was decided is not what was asked")
    if not href.isascii() or any(character <= " " or character == "\x7f" for character in href):
        raise Broken("a request line that is none")
    host, _, path = href.removeprefix("https://").partition("/")
    if host != "api.example.com":
        labels = host.removesuffix(".example.org")
        if host == labels or not labels or "@" in host or ":" in host:
            raise Broken(f"another server: {host}")
        return
    seen = path.partition("?")[0].encode()
    for _ in range(4):
        if not seen.startswith(b"v1/") or any(part in (b"..", b".") for part in seen.replace(b"\\", b"/").split(b"/")):
            raise Broken(f"out of the prefix: {path}")
        seen = unquote_to_bytes(seen)


# --- headers ----------------------------------------------------------------------------------------------------

_NAMES: Final = (
    *("authorization", "Authorization", "content-type", "host", "Host", "cookie", "transfer-encoding"),
    *("x-a", "X-HTTP-Method-Override", "sec-fetch-mode", "proxy-x", "connection", "te", "upgrade", "set-cookie"),
    *("content_length", "Transfer_Encoding", "X_HTTP_METHOD_OVERRIDE", "x_a"),
)  # fmt: skip
_PIECES: Final = (
    "a", "Z", "0", " ", "\t", "\r", "\n", "\r\n", "\0", "\x7f", "\x80", "\xff", "\u0100", ":", ",", ";", '"', "TRACE",
    "POST", "DELETE", "chunked", "\r\nHost: evil", "\u2028", "\ud800", "\x1b[2J",
)  # fmt: skip
_FRAMING: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "te", "upgrade"})
_DECISION: Final = Decision(GRANTS[0], parse_canonical("https://api.example.com/v1/x"), "GET")
_SECRETS: Final = {"key": Secret("key", CANARY)}


def header_rules(rng: random.Random) -> str:
    """Header pairs of a page, and of a server."""
    pairs = []
    for _ in range(rng.randint(1, 4)):
        name = rng.choice(_NAMES)
        if rng.random() < 0.3:
            place = rng.randint(0, len(name))
            name = name[:place] + rng.choice(_PIECES) + name[place:]
        pairs.append((name, "".join(_some(rng, _PIECES, 4))))
    shown = filter_response_headers(pairs, _DECISION.grant, 200)
    if any(is_hidden(name) or pair not in pairs for pair in shown for name in pair[:1]):
        raise Broken("a hidden response header is shown")
    try:
        sent = build_request_headers(pairs, _DECISION, _SECRETS)
    except StreamError as error:
        if CANARY in error.text or not error.text.isprintable():
            raise Broken("a message that may not be shown") from error
        return str(error.code)
    for name, value in sent:
        line = f"{name}: {value}".encode("latin-1")
        if name.lower().replace("_", "-") in _FRAMING:
            raise Broken(f"a page frames its own message: {name!r}")
        if set(line) & {0, 10, 13} or setter_of(name) is Setter.NOBODY or value != value.strip(" \t"):
            raise Broken(f"a line that may not be sent: {name!r}")
    secret = [value for name, value in sent if name.lower() == "authorization"]
    if secret != [f"Bearer {CANARY}"]:
        raise Broken("the injected header is not the only one of its name")
    return "sent"


# --- reflections ------------------------------------------------------------------------------------------------

_LETTERS: Final = "abcdefgXYZ0123456789" + "-._~/+=&%<>\"'\\ !*():;@$,{}|^`\xe9"
# As encoders do: each its own way for every character that it escapes.
_ENCODERS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: text,
    lambda text: quote(text, safe="", encoding="latin-1"),
    lambda text: quote(text, safe="!*'();/?:@&=+$,#", encoding="latin-1"),
    lambda text: quote_plus(text, encoding="latin-1"),
    json.dumps,
    lambda text: json.dumps(text, ensure_ascii=False).replace("/", "\\/"),
    lambda text: re.sub(r"[^0-9A-Za-z._-]", lambda match: f"\\u{ord(match[0]):04x}", text),
    html.escape,
    lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    lambda text: re.sub(r"[^0-9A-Za-z._-]", lambda match: f"&#x{ord(match[0]):X};", text),
    lambda text: base64.b64encode(f"of {text}!".encode("latin-1")).decode(),
)


def reflections(rng: random.Random) -> str:
    """A secret that a server sends back, as an encoder writes it, in pieces of any size; or too little of it."""
    secret = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(12, 40)))
    if not needles(secret):
        return "too short"
    whole = rng.random() < 0.5
    start = 0 if whole else rng.randrange(len(secret) - 4)
    echo = rng.choice(_ENCODERS)(secret if whole else secret[start : start + 5])  # no needle is as short as that
    body = f"\0{echo}\t".encode("latin-1")
    scanner = ReflectionScanner([Secret("key", secret)])
    pieces = []
    while body:
        size = rng.choice((1, 2, 7, 1000))
        pieces.append(body[:size])
        body = body[size:]
    found = next(filter(None, map(scanner.feed, pieces)), None) is not None
    if found is not whole:
        raise Broken(f"{'missed' if whole else 'imagined'}: {secret!r} in {pieces!r}")
    return "found" if found else "passed"


TARGETS: Final[dict[str, Callable[[random.Random], str]]] = {
    "policy files": policy_file,
    "URL decisions": url_decision,
    "header rules": header_rules,
    "reflections": reflections,
    "model answers": answer,
}
