"""What a generation may cost, reserved before it is sent, and put right by what its provider counted."""

from longwire.generation.estimate import upper_bound
from longwire.generation.fitting import Fitted
from longwire.generation.parts import Usage
from longwire.generation.prompt import Outgoing
from longwire.policy.budgets import Budgets, Reservation, key_of, limits_of
from longwire.policy.generation_decision import GenerationDecision
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
            key_of(provider, choice.entry, choice.grant.principal),
            limits_of(provider),
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
