"""What a replay says before it serves."""

import io
import json
import sys
from pathlib import Path

import pytest

from longwire.console import progress
from longwire.protocol.limits import MAX_RECORDED_PIECE_BYTES
from longwire.replay.run import read
from tests.unit.replay.recorded import HEAD, piece, request, response


class Console(io.StringIO):
    """Standard error, as a console is."""

    def isatty(self) -> bool:
        return True


def test_a_large_recording_says_how_far_it_is_read_and_takes_that_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WORTH_A_WORD_S", 0.0)
    monkeypatch.setattr(sys, "stderr", shown := Console())
    file = tmp_path / "a.jsonl"
    lines = [HEAD, request(), response(), *[piece(20, "a" * MAX_RECORDED_PIECE_BYTES)] * 5]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert len(read(file).streams) == 1
    assert shown.getvalue() == "\rread 1.05 MB of 1.31 MB \r\x1b[K"
