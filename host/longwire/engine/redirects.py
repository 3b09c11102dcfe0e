"""Where a redirect is judged, and its line of the audit trail written.

Each hop is a request of its own: a new decision, new headers, secrets resolved at that moment. What a 3xx response
means by the fetch standard was found out before (`upstream/redirects.py`); here is whether the policy lets it be.
"""

from dataclasses import replace

import ada_url
import structlog

from longwire.audit.vocabulary import audit_fields
from longwire.engine.hops import Hops
from longwire.engine.suspending import Carried
from longwire.engine.timeouts import effective_timeouts
from longwire.policy import Decision, Policy, secret_in_headers
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.messages import StreamStart
from longwire.upstream.model import Hop, Redirect
from longwire.upstream.redirects import carried_headers

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")


class RedirectJudge:
    """Of one stream."""

    def __init__(self, start: StreamStart, policy: LivePolicy, hops: Hops, carried: Carried) -> None:
        self._start = start
        self._policy = policy
        self._hops = hops
        self._carried = carried
        self._count = 1

    @property
    def any(self) -> bool:
        """Whether there was one: a server answered."""
        return self._count > 1

    async def next_hop(self, redirect: Redirect) -> Hop:
        """Where it leads to, if it may. See `upstream.model.NextHop`.

        Raises:
            StreamError: REDIRECT_DENIED, SECRET_REFLECTED, POLICY_INVALID, or what `Hops.enter` raises.
        """
        self._count += 1
        try:
            # First of all: the refusals below name the URL, and the page and the log read them.
            if name := secret_in_headers([("location", redirect.url)], self._hops.guarded):
                raise self._carried.sent_back(name, Phase.HEADERS, self._start.id)
            decision = self._judge(await self._policy.settled(), redirect)
        except StreamError as error:
            self._audit(redirect, None, error)
            raise
        self._audit(redirect, decision, None)
        hop = await self._hops.enter(decision, carried_headers(self._start.headers, redirect))
        return replace(hop, timeouts=effective_timeouts(self._start.timeouts, decision.grant))

    def _judge(self, policy: Policy, redirect: Redirect) -> Decision:
        previous = self._hops.decision.grant
        try:
            decision = policy.decide(self._start.page, redirect.method, redirect.url.partition("#")[0])
        except StreamError as denied:
            if denied.code is ErrorCode.POLICY_INVALID:
                raise
            # A URL that no policy could allow is the server's doing here, not the page's.
            raise StreamError(
                ErrorCode.REDIRECT_DENIED,
                f"a redirect was not followed: no grant of the policy allows where it leads, at "
                f"{ada_url.URL(redirect.url).origin}; `longwire logs` says more",
                Phase.HEADERS,
                reason=f"a redirect was not followed: {denied.reason}",
            ) from None
        if redirect.replays_body and decision.grant.name != previous.name:
            message = (
                f'a redirect asks to send the request body again, from the grant "{previous.name}" to '
                f'"{decision.grant.name}"; a body goes only where its own grant leads'
            )
            raise StreamError(ErrorCode.REDIRECT_DENIED, message, Phase.HEADERS)
        return decision

    def _audit(self, redirect: Redirect, decision: Decision | None, error: StreamError | None) -> None:
        """One line for the decision about one redirect."""
        fields = audit_fields(self._start)
        if error is not None and error.code is ErrorCode.SECRET_REFLECTED:
            fields["destination"] = None  # it holds the secret
        elif not self._start.page.private:
            fields["destination"] = redirect.url
        log.info(
            "redirect",
            **(fields | {"method": redirect.method}),
            hop=self._count,
            grant=decision and decision.grant.name,
            outcome="allowed" if error is None else "denied",
            code=error and error.code,
        )
