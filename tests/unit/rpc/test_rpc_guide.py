"""The examples of docs/rpc.md run as they stand."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from longwire.rpc import connect
from longwire.rpc.errors import CODES
from tests.unit.rpc.pair import all_of
from tests.unit.rpc.serving import uvicorn_server

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "rpc.md").read_text("utf-8")


def example(language: str, name: str) -> str:
    (text,) = re.findall(rf"```{language} {name}\n(.*?)```", MANUAL, re.DOTALL)
    return str(text)


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


@pytest.mark.anyio
async def test_the_server_answers() -> None:
    module: dict[str, Any] = {}
    exec(compile(example("python", "starlette"), "docs/rpc.md", "exec"), module)  # noqa: S102
    with uvicorn_server(module["app"]) as url:
        async with connect(f"{url}rpc") as peer:
            stream_id, answers = peer.receive_stream()
            assert await peer.request({"do": "ask", "question": "Why?", "id": stream_id}) == stream_id
            assert [answer["text"] for answer in await all_of(answers)] == ["Because", " ", "so"]


def test_the_other_examples_can_be_read() -> None:
    compile(example("python", "resume"), "docs/rpc.md", "exec")
    page = example("js", "page")
    subprocess.run(["node", "--check", "--input-type=module", "-"], input=page, text=True, check=True)


def test_every_code_is_explained_with_whether_it_is_retryable() -> None:
    rows = re.findall(r"^\| ([A-Z_, ]+) \| ([a-z, ]+) \|", MANUAL, re.MULTILINE)
    told: dict[str, bool] = {}
    for names, answers in rows:
        codes, each = names.split(", "), answers.split(", ")
        told |= dict(zip(codes, [answer == "yes" for answer in each * len(codes)][: len(codes)], strict=True))
    assert told == {code: retryable for code, (retryable, _) in CODES.items()}


def test_both_languages_have_the_same_codes() -> None:
    source = (ROOT / "extension" / "src" / "rpc" / "errors.ts").read_text("utf-8")
    listed = re.findall(r"^  ([A-Z_]+): \{ retryable: (true|false), text: '(.*)' \}", source, re.MULTILINE)
    assert {code: (retryable == "true", text) for code, retryable, text in listed} == CODES
