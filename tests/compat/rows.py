"""The matrix: which clients, which scenarios, and where a client is known to do something else over Longwire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.upstreams.vendors import anthropic, feed, github, mcp, ollama, openai
from tests.upstreams.vendors.stage import Scenario
from tests.upstreams.vendors.wire import Wire

# As columns of the published table.
COLUMNS: Final[Mapping[Scenario, str]] = {
    Scenario.WHOLE: "answer",
    Scenario.STREAM: "stream",
    Scenario.SPLIT: "cut in a character",
    Scenario.SLOW: "slow first byte",
    Scenario.STATUS: "error status",
    Scenario.REFUSED: "no response",
    Scenario.RETRIED: "retry",
    Scenario.BUSY: "retry when busy",
    Scenario.FAILURE: "error in the stream",
    Scenario.CUT: "broken stream",
    Scenario.ABORT_WAITING: "abort while it waits",
    Scenario.ABORT_STREAMING: "abort while it streams",
}


@dataclass(frozen=True)
class Row:
    """A client. `module` is its file in src/clients, `packages` what of package.json it is."""

    name: str
    module: str
    packages: tuple[str, ...]
    wire: Wire
    # What the client, or the format it reads, does not have.
    without: frozenset[Scenario] = field(default_factory=frozenset)

    @property
    def whole(self) -> bool:
        """Whether it also takes an answer that is no stream. Those that do not are event sources, and tell no error."""
        return Scenario.WHOLE not in self.without


# `ai` tries again only after errors that it knows; those of Chromium's fetch it does not.
_NO_RETRY_OF_FAILURES: Final = frozenset({Scenario.RETRIED})
_NO_RETRY: Final = frozenset({Scenario.RETRIED, Scenario.BUSY})
# Text, in which no error can be told from text.
_TEXT: Final = frozenset({Scenario.FAILURE})
# Streams and nothing else, of events that somebody else defines; what breaks is resumed rather than sent again.
_FEED: Final = frozenset({Scenario.WHOLE, Scenario.FAILURE}) | _NO_RETRY

ROWS: Final = (
    Row("openai, chat completions", "openai-chat", ("openai",), openai.CHAT),
    Row("openai, responses", "openai-responses", ("openai",), openai.RESPONSES),
    Row("@anthropic-ai/sdk, messages", "anthropic", ("@anthropic-ai/sdk",), anthropic.MESSAGES),
    # Its `abort()` knows of a stream only when the response is there.
    Row("ollama/browser", "ollama", ("ollama",), ollama.CHAT, _NO_RETRY | {Scenario.ABORT_WAITING}),
    Row(
        "ai, @ai-sdk/openai, responses", "ai-openai", ("ai", "@ai-sdk/openai"), openai.RESPONSES, _NO_RETRY_OF_FAILURES
    ),
    Row("ai, @ai-sdk/openai, chat", "ai-openai-chat", ("ai", "@ai-sdk/openai"), openai.CHAT, _NO_RETRY_OF_FAILURES),
    Row(
        "ai, @ai-sdk/anthropic",
        "ai-anthropic",
        ("ai", "@ai-sdk/anthropic"),
        anthropic.MESSAGES_BY_API_KEY,
        _NO_RETRY_OF_FAILURES,
    ),
    Row("@langchain/openai", "langchain", ("@langchain/openai", "@langchain/core"), openai.CHAT),
    Row("@modelcontextprotocol/sdk", "mcp", ("@modelcontextprotocol/sdk",), mcp.TOOLS, _NO_RETRY),
    Row("@microsoft/fetch-event-source", "fetch-event-source", ("@microsoft/fetch-event-source",), feed.EVENTS, _FEED),
    Row("eventsource", "eventsource", ("eventsource",), feed.EVENTS, _FEED),
    Row("eventsource-client", "eventsource-client", ("eventsource-client",), feed.EVENTS, _FEED),
    Row("ky", "ky", ("ky",), feed.LINES, _TEXT),
    Row("axios, fetch adapter", "axios", ("axios",), feed.LINES, _TEXT | _NO_RETRY),
    Row("@octokit/request", "octokit", ("@octokit/request",), github.REST, _TEXT | _NO_RETRY),
)

# What `make test` runs: streams with their characters cut, failures in every phase, the abort that has most to undo.
QUICK: Final = frozenset({Scenario.SPLIT, Scenario.REFUSED, Scenario.FAILURE, Scenario.CUT, Scenario.ABORT_STREAMING})

# Where a client does something else than over the browser's own fetch, by row and scenario: the number of the note in
# docs/compatibility.md that says what and why.
DIFFERENCES: Final[Mapping[tuple[str, Scenario], int]] = {}

CELLS: Final = [(row, scenario) for row in ROWS for scenario in COLUMNS if scenario not in row.without]
