"""The vendors' own SDKs for Python, and pydantic-ai over them: what they read of the vectors, and what they send.

Each runs in one process of its own, for they take seconds and a hundred megabytes to import, against a real server that
sends the vectors' bytes. Where they are not as we are stands in python_differences.py, both ways exactly.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from longwire.generation.adapters import ADAPTERS
from longwire.generation.prompt import Outgoing, Prompt
from longwire.generation.requests import parse_request
from tests.patience import PATIENCE_S
from tests.unit.generation.comparing import differing
from tests.unit.generation.python_differences import DIFFERS, ORACLES, SENDS, Oracle
from tests.unit.generation.vectors import VECTORS, Vector
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

ROOT: Final = Path(__file__).parents[3]
# The vectors' files, and the adapter that each is for.
ADAPTER_OF: Final = {
    "chat-completions": "openai-chat",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "ollama-chat": "ollama",
}

_USER: Final = {"role": "user", "content": "Hello"}
_PICTURE: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
_TOOL: Final = {
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
# What a page asks, beside provider, model and maxTokens.
QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "plain": {"messages": [_USER]},
    "system": {"system": "Be brief.", "messages": [_USER]},
    "conversation": {"messages": [_USER, {"role": "assistant", "content": "Hi."}, _USER]},
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "mediaType": "image/png", "data": _PICTURE},
                ],
            }
        ]
    },
    "tools": {"messages": [_USER], "tools": [_TOOL]},
    "results": {
        "messages": [
            _USER,
            {
                "role": "assistant",
                "content": "I look.",
                "toolCalls": [
                    {"id": "a", "name": "look", "arguments": {"at": "one"}},
                    {"id": "b", "name": "look", "arguments": {"at": "zwö"}},
                ],
            },
            {"role": "tool", "toolCallId": "a", "content": "A cat."},
            {"role": "tool", "toolCallId": "b", "content": "A dog."},
        ],
        "tools": [_TOOL],
    },
    "temperature": {"messages": [_USER], "temperature": 0.5},
    "stop": {"messages": [_USER], "stop": ["END"]},
    "reasoning": {"messages": [_USER], "reasoning": "low"},
    "no-reasoning": {"messages": [_USER], "reasoning": "none"},
}


MODELS: Final = {"anthropic": "claude-opus-4-6", "ollama": "qwen3"}
# Header fields that mean something to a vendor.
FIELDS: Final = ("content-type", "accept", "authorization", "x-api-key", "anthropic-version")


class _Received(NamedTuple):
    """One request as it came to the server."""

    path: str
    fields: dict[str, str]
    body: dict[str, Any]


class _Vendors:
    """Answers what is asked of `/N/…` once, with vector N; who asks again is told that this was wrong."""

    def __init__(self) -> None:
        self.vectors: list[Vector] = []
        self.received: list[list[_Received]] = []

    def plan(self, vector: Vector) -> int:
        """The number under which `vector` is the answer."""
        self.vectors.append(vector)
        self.received.append([])
        return len(self.vectors) - 1

    async def __call__(self, request: Request) -> None:
        number, path = int(request.path.split("/")[1]), "/" + request.path.split("/", 2)[2]
        fields = {name.lower(): value for name, value in request.headers}
        received = self.received[number]
        received.append(_Received(path, fields, json.loads(await request.body())))
        if len(received) > 1:
            await bodies.respond(request.connection, b"{}", status=400, headers=[("Content-Type", "application/json")])
            return
        vector = self.vectors[number]
        headers = [("Content-Type", vector.media_type)]
        await bodies.stream(request.connection, _pieces(vector), framing="chunked", headers=headers)


async def _pieces(vector: Vector) -> AsyncIterator[bytes]:
    for piece in (*vector.chunks, vector.trailing):
        if piece:
            yield piece


class Run(NamedTuple):
    """What one SDK made of the vectors, and of the questions: a row each where it is not what we make of them."""

    oracle: str
    answers: dict[str, dict[str, Any]]
    requests: dict[str, dict[str, Any]]


# Seconds of CPU: openai 2.5, anthropic 2.5, ollama 1; pydantic-ai 8.5.
LONG: Final = ("openai-responses", "pydantic-ai")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in ORACLES]
)
def run(request: pytest.FixtureRequest) -> Run:
    """All that one SDK is asked, of one process."""
    oracle = ORACLES[request.param]
    vendors = _Vendors()
    with ThreadedServer(lambda: Server(Routes({"/": vendors}))) as server:
        answers, questions = list(_answers(oracle, vendors)), list(_questions(oracle, vendors))
        said = _ask(oracle, [_asked(server, each) for each in (*answers, *questions)])
    return Run(
        request.param,
        {each.name: row for each in answers if (row := _read_otherwise(each, said, vendors))},
        {each.name: row for each in questions if (row := _sent_otherwise(each, said, vendors))},
    )


class _Case(NamedTuple):
    """One thing to ask."""

    name: str
    number: int
    vector: Vector
    question: dict[str, Any]
    compare: bool

    @property
    def adapter(self) -> str:
        return ADAPTER_OF[self.vector.name.partition("/")[0]]

    @property
    def base(self) -> str:
        """What follows the origin in a provider's base_url."""
        return f"/{self.number}/v1" if self.adapter.startswith("openai") else f"/{self.number}"

    @property
    def outgoing(self) -> Outgoing:
        """What we send."""
        request = parse_request(self.question)
        return ADAPTERS[self.adapter].request(Prompt.of(request, self.question["model"], request.messages or ()))


def _answers(oracle: Oracle, vendors: _Vendors) -> Iterator[_Case]:
    for vector in VECTORS:
        if vector.name.partition("/")[0] in oracle.files:
            streamed = "/whole" not in vector.name
            question = {"provider": "p", "model": "m", "messages": [_USER], "maxTokens": 9, "stream": streamed}
            yield _Case(vector.name, vendors.plan(vector), vector, question, compare=False)


def _questions(oracle: Oracle, vendors: _Vendors) -> Iterator[_Case]:
    for file in oracle.files:
        adapter = ADAPTER_OF[file]
        answer = next(vector for vector in VECTORS if vector.name.startswith(f"{file}/"))
        about = {"provider": "p", "model": MODELS.get(adapter, "gpt-5-mini"), "maxTokens": 2048, "stream": True}
        for name, question in QUESTIONS.items():
            if name == "stop" and adapter == "openai":
                continue  # it has none
            yield _Case(f"{file}/{name}", vendors.plan(answer), answer, {**about, **question}, compare=True)


def _asked(server: ThreadedServer, case: _Case) -> dict[str, Any]:
    return {
        "name": case.name if not case.compare else f"? {case.name}",
        "adapter": case.adapter,
        "base": server.url(case.base),
        "body": json.loads(case.outgoing.body),
        "question": case.question,
        "streamed": case.question["stream"],
        "compare": case.compare,
    }


def _ask(oracle: Oracle, asked: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    try:
        installed = version(oracle.package)
    except PackageNotFoundError:
        pytest.fail(f"{oracle.package} is not installed: run `make setup`", pytrace=False)
    assert installed == oracle.version, f"another {oracle.package}: look through its rows, then say its version there"
    # No proxy between it and the server.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.unit.generation.oracles.{oracle.script}"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=10 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return said


def _read_otherwise(case: _Case, said: dict[str, dict[str, Any]], vendors: _Vendors) -> dict[str, Any]:
    row = differing(case.vector, said[case.name])
    requests = len(vendors.received[case.number])
    return row if requests == 1 else {**row, "requests": requests}


def _sent_otherwise(case: _Case, said: dict[str, dict[str, Any]], vendors: _Vendors) -> dict[str, Any]:
    its = said[f"? {case.name}"]
    # It sends what it was given, so that a field which its own types do not know would pass otherwise.
    if "error" in its or not its.get("fits", True):
        return {name: its[name] for name in ("error", "fits") if name in its}
    (received,) = vendors.received[case.number]
    outgoing, adapter = case.outgoing, ADAPTERS[case.adapter]
    ours, theirs = _flat(json.loads(outgoing.body)), _flat(received.body)
    if case.name.endswith("/plain"):
        fields = {adapter.key_header.lower(): f"{adapter.key_prefix}none"}
        fields |= {name.lower(): value for name, value in outgoing.headers}
        ours |= {"path": case.base.removeprefix(f"/{case.number}") + outgoing.path, **fields}
        theirs |= {name: received.fields[name] for name in FIELDS if name in received.fields} | {"path": received.path}
    return {
        place: theirs.get(place)
        for place in sorted(ours.keys() | theirs.keys())
        if ours.get(place) != theirs.get(place)
    }


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    """A JSON value as places (`messages.0.role`) and what is there."""
    if not isinstance(value, dict | list) or not value:
        return {place: value}
    inner: Iterable[tuple[object, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    flat: dict[str, Any] = {}
    for name, each in inner:
        flat |= _flat(each, f"{place}.{name}" if place else str(name))
    return flat


def test_an_sdk_reads_the_same_answers_with_one_request_each(run: Run) -> None:
    assert run.answers == DIFFERS[run.oracle]


def test_an_sdk_sends_the_same_for_the_same_question(run: Run) -> None:
    assert run.requests == SENDS[run.oracle]


def test_no_row_is_of_a_vector_or_a_question_that_is_not_there() -> None:
    for name, oracle in ORACLES.items():
        of = {vector.name for vector in VECTORS if vector.name.partition("/")[0] in oracle.files}
        assert DIFFERS[name].keys() <= of
        assert SENDS[name].keys() <= {f"{file}/{question}" for file in oracle.files for question in QUESTIONS}
