"""A provider of language models as the host asks it: a `[[provider]]` of a policy file, compiled.

A page names one and never sees its address or its key. Which pages may, their grants say (`generate`).
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from longwire.addresses import Network
from longwire.policy.locations import Source
from longwire.policy.proxies import ProxyAddress
from longwire.policy.secrets import SecretSource
from longwire.policy.urls import CanonicalUrl, parse_canonical, parse_lenient, scoped_path_hazard
from longwire.prices import Prices
from longwire.protocol.errors import StreamError

# The kinds, as `generation.adapters.ADAPTERS` has them, and where the vendor's own service is.
KINDS: Final[dict[str, str | None]] = {
    "openai": "https://api.openai.com/v1",
    "openai-chat": "https://api.openai.com/v1",
    "openai-compatible": None,
    "xai": "https://api.x.ai/v1",
    "anthropic": "https://api.anthropic.com",
    "ollama": "http://127.0.0.1:11434",
}

MAX_AMOUNT: Final = 10**15
_SECOND: Final = 1000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7 * _DAY
MAX_WINDOW_MS: Final = 366 * _DAY
_WINDOW_UNITS: Final = {"d": _DAY, "h": _HOUR, "m": _MINUTE, "s": _SECOND}
_WINDOW_WORDS: Final = {"week": _WEEK, "day": _DAY, "hour": _HOUR, "minute": _MINUTE}
_FACTORS: Final = {None: 1, "k": 1_000, "M": 1_000_000}
_WINDOW: Final = r"(?:(?P<word>week|day|hour|minute)|(?P<count>[0-9]{1,8})(?P<unit>[smhd]))"
_RATE: Final = re.compile(rf"(?P<amount>[0-9]{{1,15}})(?P<factor>[kM])? ?/ ?{_WINDOW}", re.ASCII)
_COST: Final = re.compile(
    rf"(?P<amount>[0-9]{{1,9}}(?:\.[0-9]{{1,9}})?) ?(?P<currency>[A-Z]{{3}}) ?/ ?{_WINDOW}", re.ASCII
)


class Rate(NamedTuple):
    """At most `amount` in any `window_ms` milliseconds."""

    amount: int
    window_ms: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Of `"10/15m"`, `"200k/day"`, `"1M/30d"`.

        Raises:
            ValueError: it is not written so.
        """
        match = _RATE.fullmatch(text)
        amount = int(match["amount"]) * _FACTORS[match["factor"]] if match else 0
        if match is None or not 1 <= amount <= MAX_AMOUNT:
            raise ValueError('must be a number for a time, such as "10/15m", "200k/day" or "1M/30d"')
        return cls(amount, _window(match))

    def __str__(self) -> str:
        factor = next((each for each in ("M", "k") if not self.amount % _FACTORS[each]), None)
        return f"{self.amount // _FACTORS[factor]}{factor or ''}/{window_text(self.window_ms)}"


class CostRate(NamedTuple):
    """At most `amount` of `currency` (ISO 4217) in any `window_ms` milliseconds."""

    amount: Decimal
    currency: str
    window_ms: int

    @classmethod
    def parse(cls, text: str) -> "CostRate":
        """Of `"5 USD/day"`, `"0.50 EUR/hour"`.

        Raises:
            ValueError: it is not written so.
        """
        match = _COST.fullmatch(text)
        amount = Decimal(match["amount"]) if match else Decimal(0)
        if match is None or not amount:
            raise ValueError('must be a sum for a time, such as "5 USD/day" or "0.50 EUR/hour"')
        return cls(amount, match["currency"], _window(match))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}/{window_text(self.window_ms)}"


class ProviderLimits(NamedTuple):
    """Upper bounds for each entry of a grant's `pages`; None is no bound. Tokens are those that go in and come out."""

    requests: Rate | None = None
    tokens: Rate | None = None
    cost: CostRate | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One `[[provider]]`. `name` is unique in its file; `source` and `line` say where it is written.

    `base_url` has no query, and no slash at its end but for the root's. `models` and the names that `prices` goes by
    are exact, or the beginning of a name and `*`. `max_input` is in bytes of text.
    """

    name: str
    kind: str
    base_url: CanonicalUrl
    models: tuple[str, ...]
    secret: SecretSource | None = None
    network: Network = "public"
    max_input: int | None = None
    prices: tuple[tuple[str, Prices], ...] = ()
    limits: ProviderLimits = field(default_factory=ProviderLimits)
    proxy: ProxyAddress | None = None
    ca_file: str | None = None
    header_timeout_ms: int | None = None
    total_timeout_ms: int | None = None
    source: Source = "user"
    line: int = 1

    @property
    def default_model(self) -> str | None:
        """The one that is meant where none is asked for: the first that `models` names in full."""
        return next((model for model in self.models if not model.endswith("*")), None)

    def allows_model(self, model: str) -> bool:
        """Whether `models` names it."""
        return any(_names(pattern, model) for pattern in self.models)

    def prices_of(self, model: str) -> Prices | None:
        """By the entry that names the most of it; None if none does."""
        found = [(pattern, prices) for pattern, prices in self.prices if _names(pattern, model)]
        # In full before a beginning of the same length.
        best = max(found, key=lambda each: (len(each[0].removesuffix("*")), not each[0].endswith("*")), default=None)
        return None if best is None else best[1]

    def url(self, path: str) -> CanonicalUrl:
        """Of `/responses` and the like, below `base_url`."""
        return parse_canonical(self.base_url.origin + self.base_url.path.removesuffix("/") + path)


def parse_base_url(text: str) -> CanonicalUrl:
    """Read `https://api.openai.com/v1`; a slash at its end is left off.

    Raises:
        ValueError: it is something else; the text says what to write, and quotes nothing.
    """
    wanted = 'must be a URL such as "https://api.openai.com/v1"'
    if "@" in text:
        raise ValueError(f"{wanted}, without a user name or password: the key's place is `secret`")
    try:
        url = parse_lenient(text)
    except StreamError:
        raise ValueError(wanted) from None
    if "?" in text or "#" in text:
        raise ValueError("has no query and no fragment: what is asked goes to paths below it")
    if hazard := scoped_path_hazard(url.path):
        raise ValueError(f"the path {hazard}")
    short = url.origin + url.path.rstrip("/")
    if text.rstrip("/") != short:
        raise ValueError(f'has another canonical form: write "{short}"')
    return parse_lenient(short)


def _names(pattern: str, model: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def _window(match: re.Match[str]) -> int:
    word = match["word"]
    window = _WINDOW_WORDS[word] if word else int(match["count"]) * _WINDOW_UNITS[match["unit"]]
    if not _SECOND <= window <= MAX_WINDOW_MS:
        raise ValueError(f'its time must be between "1s" and "{MAX_WINDOW_MS // _DAY}d"')
    return window


def window_text(window_ms: int) -> str:
    """The time of a limit as it is written in the file: `15m`, `day`."""
    for word, each in _WINDOW_WORDS.items():
        if window_ms == each:
            return word
    return next(f"{window_ms // each}{unit}" for unit, each in _WINDOW_UNITS.items() if not window_ms % each)
