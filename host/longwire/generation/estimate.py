"""Tokens before the provider has counted them: a guess that says so, and a bound that holds.

The guess is for a page that shows progress. The bound is for a budget: what a request takes at most, so that what is
reserved is never less than what is spent.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from longwire.prices import Prices
from longwire.protocol.generation import TokenUsage

# English and code have about four characters to a token; other scripts about one and a half.
_CHARS_PER_TOKEN: Final = 4
_OTHER_CHARS_PER_TOKEN: Final = 1.5
# What a provider adds to a request by itself: the frame of messages, its own words about tools.
OVERHEAD_TOKENS: Final = 1_024
# The dearest way to count one image that a provider has: a small file may be a large picture.
IMAGE_TOKENS: Final = 65_536


class Bound(NamedTuple):
    """What a request takes at most. `cost` is None without prices."""

    input_tokens: int
    output_tokens: int
    cost: Decimal | None

    @property
    def tokens(self) -> int:
        """Of both kinds."""
        return self.input_tokens + self.output_tokens


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has."""
    if text.isascii():
        return -(-len(text) // _CHARS_PER_TOKEN)
    ascii_chars = sum(map(str.isascii, text))
    return int(ascii_chars / _CHARS_PER_TOKEN + (len(text) - ascii_chars) / _OTHER_CHARS_PER_TOKEN) + 1


def estimated(input_tokens: int, output_tokens: int) -> TokenUsage:
    """A usage that says that nobody counted."""
    return TokenUsage(input_tokens=input_tokens, output_tokens=output_tokens, estimated=True)


def upper_bound(body: bytes, max_tokens: int, *, images: int = 0, prices: Prices | None = None) -> Bound:
    """For a request whose body is `body` and which asks for at most `max_tokens`.

    No tokeniser makes more than one token of a byte, so the bytes are a bound of the text. Of an image they are none.
    """
    input_tokens = len(body) + OVERHEAD_TOKENS + images * IMAGE_TOKENS
    return Bound(input_tokens, max_tokens, None if prices is None else prices.of(input_tokens, max_tokens))
