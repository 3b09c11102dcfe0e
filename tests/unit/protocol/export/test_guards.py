"""The guards, run by Node, agree with the schema on made-up messages, whole and broken."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from longwire.protocol.export.__main__ import ROOT
from longwire.protocol.export.schema import union_members
from tests.e2e.scripts import script
from tests.unit.protocol.samples import SCHEMA, broken, sample

GUARDS = {"isFromHost": "FromHost", "isFromPage": "FromPage", "isToPage": "ToPage"}
PER_GUARD = 1_500

# Reads one {guard, message} per line and answers with one verdict per line; on the bridge, base64 becomes bytes.
RUNNER = script("run_guards.js")


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guards")
    esbuild = ROOT / "extension" / "node_modules" / ".bin" / "esbuild"
    source = ROOT / "extension" / "src" / "protocol" / "guards.ts"
    subprocess.run(
        [esbuild, source, "--bundle", "--format=esm", f"--outfile={folder / 'guards.mjs'}", "--log-level=error"],
        check=True,
    )
    (folder / "run.mjs").write_text(RUNNER)
    return folder / "run.mjs"


def verdicts(runner: Path, messages: list[tuple[str, Any]]) -> list[bool]:
    node = shutil.which("node")
    assert node is not None
    lines = "".join(f"{guard} {json.dumps(message)}\n" for guard, message in messages)
    done = subprocess.run([node, runner], input=lines, capture_output=True, text=True, check=True)
    return [line == "true" for line in done.stdout.splitlines()]


def test_a_guard_accepts_what_the_schema_allows(runner: Path) -> None:
    rng = random.Random(1)
    messages = [
        (guard, sample(rng, rng.choice(union_members(SCHEMA, union))))
        for guard, union in GUARDS.items()
        for _ in range(PER_GUARD)
    ]
    refused = [message for message, ok in zip(messages, verdicts(runner, messages), strict=True) if not ok]
    assert refused == []


def test_a_guard_refuses_any_one_wrong_field(runner: Path) -> None:
    rng = random.Random(2)
    faults = [
        (guard, broken(rng, rng.choice(union_members(SCHEMA, union))))
        for guard, union in GUARDS.items()
        for _ in range(PER_GUARD)
    ]
    results = verdicts(runner, [(guard, fault.message) for guard, fault in faults])
    accepted = [(guard, fault.path, fault.fault) for (guard, fault), ok in zip(faults, results, strict=True) if ok]
    assert accepted == []
