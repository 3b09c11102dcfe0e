"""Exchanges of the kind `generation`: a question to a language model, answered by a provider of the policy.

The kind as the host has it from its start. What carries one out (`generating.py`) and the room that speaks the vendors'
protocols take a while to import, so that is left to the first one.
"""

from typing import TYPE_CHECKING

import anyio.to_thread

from longwire.engine.authorization import Authorizer
from longwire.engine.exchange import Exchange, Kind
from longwire.fair_pool import FairPool
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.messages import GENERATION_URL
from longwire.turns import Turns
from longwire.upstream.model import Upstream

if TYPE_CHECKING:
    from longwire.policy.budgets import Budgets
    from longwire.policy.template_files import TemplateFiles

# Questions that are under way, of all pages together: each is kept until it is answered, for it may be asked again.
QUESTIONS_BYTES = 128 * 1024 * 1024


class Generation:
    """The kind, for `Kinds`."""

    def __init__(
        self,
        upstream: Upstream,
        authorizer: Authorizer,
        budgets: "Budgets | None" = None,
        *,
        templates: "TemplateFiles | None" = None,
        turns: Turns | None = None,
    ) -> None:
        """`budgets` and `templates` are those of the user by default; `turns` of everything else in this event loop."""
        self._budgets = budgets
        self._templates = templates
        self._upstream = upstream
        self._authorizer = authorizer
        self._turns = turns or Turns()
        self._memory = FairPool(QUESTIONS_BYTES)
        self._carry_out: Kind | None = None
        self._making = anyio.Lock()

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        start = exchange.start
        if start.method != "POST" or start.url != GENERATION_URL:
            message = f"a generation is asked for with POST at {GENERATION_URL}; use longwire.generate"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        if self._carry_out is None:
            async with self._making:  # the first ones may come together, and budgets have one thread
                if self._carry_out is None:
                    # Not in the loop, where everybody else would wait for it.
                    self._carry_out = await anyio.to_thread.run_sync(self._made)
        await self._carry_out(exchange)

    def _made(self) -> Kind:
        from longwire.engine.asking import Means  # see above
        from longwire.engine.generating import Generating
        from longwire.policy.budgets import Budgets
        from longwire.policy.template_files import TemplateFiles

        means = Means(
            upstream=self._upstream,
            authorizer=self._authorizer,
            budgets=self._budgets or Budgets(),
            templates=self._templates or TemplateFiles(),
            turns=self._turns,
        )
        return Generating(means, self._memory)
