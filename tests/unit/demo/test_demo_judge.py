"""The demo's verdict: each promise that is broken fails it, with its reason."""

import base64
from typing import Any

import pytest

from longwire.demo.chat import TEXT
from longwire.demo.judge import BridgeStatus, Failure, Report, Verdict, judge_failure, judge_run
from longwire.demo.sent import Sent
from longwire.demo.upstream import Upstream

KEY = "lw-demo-0123456789abcdefghij"


def verdict(**changes: Any) -> Verdict:
    """What is said of a run that went well but for `changes`, dotted ones in a part of the report."""
    upstream = Upstream(KEY, size=1000)
    upstream.chat, upstream.download = Sent(), Sent()
    upstream.chat.count(b"0123456789", events=2)
    upstream.chat.finished_at_s = 5.0
    upstream.keys_refused = changes.pop("keys_refused", 0)
    if changes.pop("never_asked", False):
        upstream.chat = upstream.download = None
    heard_at_s = changes.pop("first_text_at_s", 1.0)
    report: dict[str, Any] = {
        "ownFetch": "refused",
        "text": {
            "bytes": 10,
            "digest": Sent().digest if upstream.chat is None else upstream.chat.digest,
            "text": TEXT,
            "firstTextMs": 12.3,
            "totalMs": 3000,
            "longestGapMs": 20,
        },
        "download": {"bytes": 1000, "digest": upstream.file.digest, "totalMs": 500},
        "seen": "content-type text/event-stream",
        "seenWhole": True,
    }
    for name, value in changes.items():
        part, _, field = name.partition(".")
        if field:
            report[part][field] = value
        else:
            report[part] = value
    return judge_run(Report.model_validate(report), upstream, heard_at_s, KEY)


def test_a_run_that_kept_every_promise_passes() -> None:
    told = verdict()

    assert told.ok
    assert told.figures is not None
    assert told.figures["download"]["mb_per_s"] == 0.0
    assert (told.figures["text"]["events"], told.key_seen) == (2, False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text.digest": "0" * 64}, "they differ"),
        ({"text.bytes": 9}, "9 bytes of text"),
        ({"text.text": TEXT[:-1]}, "they differ"),
        ({"download.bytes": 999}, "999 bytes of the download"),
        ({"download.digest": "0" * 64}, "they differ"),
        ({"never_asked": True}, "they differ"),
        ({"ownFetch": "status 200"}, "without Longwire"),
        ({"seen": f"x {KEY} y"}, "could see the key"),
        ({"seen": base64.b64encode(f"ab{KEY}".encode()).decode()}, "could see the key"),
        ({"seenWhole": False}, "more than was searched"),
        ({"keys_refused": 1}, "did not get the key"),
        ({"first_text_at_s": 6.0}, "only after"),
        ({"first_text_at_s": None}, "only after"),
    ],
)
def test_a_broken_promise_fails_the_demo_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    told = verdict(**changes)

    assert not told.ok
    assert reason in (told.reason or "")
    assert told.key_seen == ("seen" in changes)


@pytest.mark.parametrize(
    ("failure", "reason", "fix"),
    [
        (Failure(code="X", message="m"), "X: m", "longwire doctor"),
        (Failure(code="X", message="m", status=BridgeStatus(state="host-missing", fix="do it")), "missing)", "do it"),
        (Failure(code="X", message="do it", status=BridgeStatus(state="s", fix="do it")), "X (bridge: s)", "do it"),
    ],
)
def test_a_run_that_threw_says_so_and_what_to_do(failure: Failure, reason: str, fix: str) -> None:
    told = judge_failure(failure)

    assert not told.ok
    assert reason in (told.reason or "")
    assert fix in (told.fix or "")
