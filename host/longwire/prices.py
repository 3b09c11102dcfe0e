"""What tokens cost, as a policy says it. Decimal throughout: these are sums of money."""

import re
from decimal import ROUND_UP, Context, Decimal
from typing import Final, NamedTuple

_PRICE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?([A-Z]{3})/(?:([0-9]{1,9})?([kM])?)", re.ASCII)
_FACTORS: Final = {None: 1, "k": 1_000, "M": 1_000_000}
# Sums of money are small and tokens are many: nothing is ever rounded down.
UPWARDS: Final = Context(prec=50, rounding=ROUND_UP)
_SHOWN: Final = Context(prec=12)


class Price(NamedTuple):
    """`amount` of `currency` for one token."""

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, text: str) -> "Price":
        """Of `"1.25 USD/1M"`, `"0.5 EUR/1k"`, `"0 USD/1M"`.

        Raises:
            ValueError: it is not written so.
        """
        match = _PRICE.fullmatch(text)
        if match is None or not (match[3] or match[4]):
            raise ValueError('must be a price such as "1.25 USD/1M", for a million tokens')
        tokens = int(match[3] or 1) * _FACTORS[match[4]]
        if tokens == 0:
            raise ValueError("must be a price for some tokens, not for none")
        return cls(UPWARDS.divide(Decimal(match[1]), Decimal(tokens)), match[2])

    def __str__(self) -> str:
        million = _SHOWN.multiply(self.amount, Decimal(1_000_000)).normalize(_SHOWN)
        return f"{million:f} {self.currency}/1M"


class Prices(NamedTuple):
    """Of one model."""

    input: Price
    output: Price

    @classmethod
    def parse(cls, input_text: str, output_text: str) -> "Prices":
        """Both, in one currency.

        Raises:
            ValueError: as `Price.parse`, or two currencies.
        """
        prices = cls(Price.parse(input_text), Price.parse(output_text))
        if prices.input.currency != prices.output.currency:
            raise ValueError("must name one currency for input and output")
        return prices

    def __str__(self) -> str:
        return f"{self.input} in, {self.output} out"

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        """What so many tokens cost."""
        spent = UPWARDS.multiply(self.input.amount, Decimal(input_tokens))
        return UPWARDS.add(spent, UPWARDS.multiply(self.output.amount, Decimal(output_tokens)))
