"""What a generation may cost, reserved before it is sent, and put right by what its provider counted."""

from longwire.generation.estimate import upper_bound
from longwire.generation.fitting import Fitted
from longwire.generation.parts import Usage
from longwire.generation.prompt import Outgoing
from longwire.policy.budgets import BudgetKey, Budgets, Limit, Reservation
from longwire.policy.generation_decision import GenerationDecision
from longwire.policy.providers import ProviderLimits
from longwire.prices import Prices


class Spending:
    """Of one attempt. Left alone, what was reserved stays spent: aborts, crashes and cut answers may be paid for."""

    def __init__(self, reservation: Reservation, prices: Prices | None) -> None:
        self._reservation = reservation
        self._prices = prices

    @classmethod
    async def reserve(
        cls, budgets: Budgets, choice: GenerationDecision, fitted: Fitted, outgoing: Outgoing
    ) -> "Spending":
        """Reserve what the request takes at most.

        Raises:
            StreamError: LIMIT_EXCEEDED.
        """
        prompt, provider = fitted.prompt, choice.provider
        prices = provider.prices_of(choice.model)
        bound = upper_bound(outgoing.body, prompt.max_tokens, images=prompt.images, prices=prices)
        reservation = await budgets.reserve(
            BudgetKey(provider.source, provider.name, choice.entry),
            _limits(provider.limits),
            tokens=bound.tokens,
            cost=bound.cost,
            currency=None if prices is None else prices.input.currency,
        )
        return cls(reservation, prices)

    async def settle(self, usage: Usage | None) -> None:
        """The provider said that the answer is whole, and what it took: nothing else lowers what was reserved."""
        if usage is None or usage.input is None or usage.output is None:
            return
        cost = None if self._prices is None else self._prices.of(usage.input, usage.output)
        await self._reservation.settle(usage.input + usage.output, cost)

    async def give_back(self) -> None:
        """No connection was made, or the provider refused the request before it began: it counts, and costs nothing."""
        await self._reservation.give_back()


def _limits(limits: ProviderLimits) -> list[Limit]:
    found = []
    if limits.requests is not None:
        found.append(Limit("requests", limits.requests.amount, None, limits.requests.window_ms))
    if limits.tokens is not None:
        found.append(Limit("tokens", limits.tokens.amount, None, limits.tokens.window_ms))
    if limits.cost is not None:
        found.append(Limit("cost", limits.cost.amount, limits.cost.currency, limits.cost.window_ms))
    return found
