"""Whether the demo kept its promises: what the page says it got, against what the upstream knows it sent."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from longwire.demo.chat import TEXT
from longwire.demo.upstream import Upstream
from longwire.policy.needles import secret_forms

_BUG: Final = "report this as a bug, with the output of the demo"


class _FromPage(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class TextReport(_FromPage):
    """The chat's stream in the page. `bytes` and `digest` (SHA-256, hex) are of the body as it came."""

    bytes: int
    digest: str
    text: str
    first_text_ms: float
    total_ms: float
    longest_gap_ms: float


class DownloadReport(_FromPage):
    """The download in the page."""

    bytes: int
    digest: str
    total_ms: float


class Report(_FromPage):
    """A whole run. `own_fetch` is what became of the same call by `fetch`; `seen` every string in the page's reach."""

    own_fetch: str
    text: TextReport
    download: DownloadReport
    seen: str
    seen_whole: bool


class BridgeStatus(BaseModel):
    """What `longwire.status()` said."""

    state: str
    fix: str | None = None


class Failure(BaseModel):
    """A run that threw."""

    code: str
    message: str
    status: BridgeStatus | None = None


class Stop(BaseModel):
    """The visitor pressed the button."""

    events: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is None when every promise was kept; `figures` is there whenever the page got to its end."""

    reason: str | None = None
    fix: str | None = None
    figures: dict[str, Any] | None = None
    key_seen: bool = False

    @property
    def ok(self) -> bool:
        """Every byte arrived and the page never saw the key."""
        return self.reason is None


def judge_run(report: Report, upstream: Upstream, first_text_at_s: float | None, key: str) -> Verdict:
    """The verdict on a run that the page holds for whole. `first_text_at_s`: when this process heard of text."""
    chat, download, file = upstream.chat, upstream.download, upstream.file
    text_whole = chat is not None and (
        (report.text.bytes, report.text.digest, report.text.text) == (chat.bytes, chat.digest, TEXT)
    )
    file_whole = (report.download.bytes, report.download.digest) == (file.size, file.digest)
    live = (
        chat is not None
        and chat.finished_at_s is not None
        and first_text_at_s is not None
        and first_text_at_s < chat.finished_at_s
    )
    sent_events, sent_bytes = (chat.events, chat.bytes) if chat else (0, 0)
    key_seen = _holds(report.seen, key)
    promises = (
        (report.own_fetch == "refused", "the browser let the page reach the upstream without Longwire"),
        (
            text_whole,
            f"the page received {report.text.bytes:,} bytes of text, the upstream sent {sent_bytes:,}, and they differ",
        ),
        (
            file_whole and download is not None,
            f"the page received {report.download.bytes:,} bytes of the download, the upstream has {file.size:,}, "
            "and they differ",
        ),
        (upstream.keys_refused == 0, "the upstream did not get the key that the host adds"),
        (not key_seen, "the page could see the key"),
        (report.seen_whole, "the page could reach more than was searched for the key"),
        (live, "the text arrived only after the upstream had sent all of it"),
    )
    reason = next((broken for kept, broken in promises if not kept), None)
    return Verdict(reason, _BUG if reason else None, _figures(report, sent_events), key_seen)


def judge_failure(failure: Failure) -> Verdict:
    """The verdict on a run that threw in the page."""
    if failure.code == "NO_EXTENSION":
        fix = "build the extension with `make build`; Chrome with its own brand ignores --load-extension"
        return Verdict(failure.message, fix)
    state = f" (bridge: {failure.status.state})" if failure.status else ""
    fix = (failure.status.fix if failure.status else None) or (
        "run `longwire doctor`, and look at the extension's errors in chrome://extensions"
    )
    message = "" if failure.message == fix else f": {failure.message}"  # the bridge's own errors end with their fix
    return Verdict(f"{failure.code}{message}{state}", fix)


def judge_stop(stop: Stop, upstream: Upstream) -> Verdict:
    """The verdict on a run that the visitor ended."""
    sent = upstream.chat.events if upstream.chat else 0
    return Verdict(f"you stopped it after {stop.events} of {sent} events that were sent", "run it again to the end")


def _holds(seen: str, key: str) -> bool:
    return any(form.decode("latin-1") in seen for form in secret_forms(key.encode()))


def _figures(report: Report, events: int) -> dict[str, Any]:
    """As `--json` prints them."""
    seconds = report.download.total_ms / 1000
    return {
        "text": {
            "bytes": report.text.bytes,
            "events": events,
            "sha256": report.text.digest,
            "first_text_ms": round(report.text.first_text_ms, 1),
            "total_ms": round(report.text.total_ms, 1),
            "longest_gap_ms": round(report.text.longest_gap_ms, 1),
        },
        "download": {
            "bytes": report.download.bytes,
            "sha256": report.download.digest,
            "seconds": round(seconds, 3),
            "mb_per_s": round(report.download.bytes / 1e6 / max(seconds, 0.001), 1),
        },
        "characters_searched_for_the_key": len(report.seen),
    }
