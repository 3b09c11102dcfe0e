"""What an answer costs by the prices of a policy."""

from decimal import Decimal

from longwire.generation.parts import Usage
from longwire.prices import UPWARDS, Prices
from longwire.protocol.generation import Cost


def cost_of(usage: Usage, prices: Prices) -> Cost | None:
    """What the provider's own count costs, None where it did not count. Cached input is not cheaper here."""
    if usage.input is None or usage.output is None:
        return None
    amount = prices.of(usage.input, usage.output).quantize(Decimal("1E-12"), context=UPWARDS)
    text = f"{amount:f}".rstrip("0").rstrip(".")
    return Cost(amount=text or "0", currency=prices.input.currency)
