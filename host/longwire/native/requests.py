"""From a STREAM_START to an upstream request: where policy and upstream meet.

A plan is made when a stream starts and asked again at every redirect, because each hop is a request of its own: a new
decision, new headers, secrets resolved at that moment.
"""

from collections.abc import AsyncIterator, Iterable

from longwire.policy import (
    Admission,
    Decision,
    Grant,
    PolicyDeniedError,
    PolicyStore,
    ReflectionScanner,
    Secret,
    Ticket,
    build_request_headers,
    filter_response_headers,
    headers_reflect,
    resolve_secrets,
)
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.fields import HeaderPair
from longwire.protocol.limits import HEADER_TIMEOUT_MS
from longwire.protocol.messages import StreamStart
from longwire.protocol.parts import StreamedRequestBody, Timeouts
from longwire.upstream.model import Hop, Redirect, RequestBody, StreamedBody, UpstreamRequest, UpstreamTimeouts
from longwire.upstream.redirects import carried_headers


class RequestPlanner:
    """Makes plans. One per session, because admission counts across streams."""

    def __init__(self, policy: PolicyStore) -> None:
        self._policy = policy
        self._admission = Admission()

    def plan(self, start: StreamStart) -> "RequestPlan":
        """Judge a stream's first request and take its place under the grant's limits.

        Raises:
            StreamError: refused: phase `policy`, with the code and the rule that was missing.
        """
        return RequestPlan(start, self._policy, self._admission)


class RequestPlan:
    """One stream's request as policy allows it: what goes out at each hop, and what the page may see of the answer.

    `close` gives its places back; call it when the socket is closed, not before.
    """

    def __init__(self, start: StreamStart, policy: PolicyStore, admission: Admission) -> None:
        self._start = start
        self._policy = policy
        self._admission = admission
        self._tickets: dict[str, Ticket] = {}
        self._guarded: list[Secret] = []
        self._scanner: ReflectionScanner | None = None
        if start.method in ("GET", "HEAD") and start.body.kind != "none":  # Fetch, the Request constructor, step 35
            message = f"a request body with the method {start.method}; send it with another method, such as POST"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        self._decision = policy.current().decide(start.page, start.method, start.url)
        self._first_hop = self._enter(self._decision, start.headers)

    @property
    def grant_name(self) -> str:
        """The grant of the latest hop."""
        return self._decision.grant.name

    def request(self, body: bytes | AsyncIterator[bytes] | None) -> UpstreamRequest:
        """The first hop with `body`: whole, streamed, or none."""
        start = self._start
        size = start.body.size if isinstance(start.body, StreamedRequestBody) else None
        sent: RequestBody = body if body is None or isinstance(body, bytes) else StreamedBody(size, body)
        return UpstreamRequest(
            method=self._decision.method,
            hop=self._first_hop,
            body=sent,
            isolation=start.page.origin,
            redirect=start.redirect,
            next_hop=self._next_hop,
            timeouts=effective_timeouts(start.timeouts, self._decision.grant),
        )

    def response_headers(self, pairs: Iterable[HeaderPair]) -> list[HeaderPair]:
        """The header pairs that the page may see.

        Raises:
            StreamError: SECRET_REFLECTED, one of them holds an injected secret.
        """
        shown = filter_response_headers(pairs, self._decision.grant)
        if headers_reflect(shown, self._guarded):
            raise self._reflected(Phase.HEADERS)
        self._scanner = ReflectionScanner(self._guarded)
        return shown

    def inspect(self, data: bytes, total_bytes: int) -> None:
        """Look at a piece of the body before the page gets it; `total_bytes` counts it too.

        Raises:
            StreamError: SECRET_REFLECTED, or BODY_TOO_LARGE for the grant's limit.
        """
        limit = self._decision.grant.limits.bytes
        if limit is not None and total_bytes > limit:
            message = f'the body is larger than the {limit} bytes that the grant "{self.grant_name}" allows'
            raise StreamError(ErrorCode.BODY_TOO_LARGE, message, Phase.BODY)
        if self._scanner is not None and self._scanner.feed(data):
            raise self._reflected(Phase.BODY)

    def close(self) -> None:
        """Give back the places under the grants' limits."""
        for ticket in self._tickets.values():
            ticket.leave()

    def _enter(self, decision: Decision, page_headers: list[HeaderPair]) -> Hop:
        grant = decision.grant
        secrets = resolve_secrets(grant.secrets)
        headers = build_request_headers(page_headers, decision, secrets)
        if grant.name not in self._tickets:
            self._tickets[grant.name] = self._admission.enter(grant)
        if grant.reflection_guard:
            self._guarded.extend(secrets.values())
        url = decision.url
        return Hop(
            scheme=url.scheme,
            host=url.host,
            port=url.port,
            target=url.target,
            href=url.href,
            headers=tuple(headers),
            network=grant.network,
            ca_file=grant.ca_file,
        )

    def _next_hop(self, redirect: Redirect) -> Hop:
        previous = self._decision.grant
        try:
            decision = self._policy.current().decide(self._start.page, redirect.method, redirect.url.partition("#")[0])
        except PolicyDeniedError as denied:
            raise StreamError(
                ErrorCode.REDIRECT_DENIED, f"a redirect was not followed: {denied.message}", Phase.HEADERS
            ) from None
        if redirect.replays_body and decision.grant.name != previous.name:
            message = (
                f'a redirect asks to send the request body again, from the grant "{previous.name}" to '
                f'"{decision.grant.name}"; a body goes only where its own grant leads'
            )
            raise StreamError(ErrorCode.REDIRECT_DENIED, message, Phase.HEADERS)
        self._decision = decision
        return self._enter(decision, carried_headers(self._start.headers, redirect))

    def _reflected(self, phase: Phase) -> StreamError:
        message = (
            f'the server sent a secret of the grant "{self.grant_name}" back; the stream was ended before the page '
            "could see it. If the server must echo it, an administrator can say reflection_guard = false in that grant"
        )
        return StreamError(ErrorCode.SECRET_REFLECTED, message, phase)


def effective_timeouts(asked: Timeouts, grant: Grant) -> UpstreamTimeouts:
    """What the page asked for, or the default, but never more than the grant allows. Seconds."""
    return UpstreamTimeouts(
        header_s=_seconds(asked.header_ms or HEADER_TIMEOUT_MS, grant.limits.header_timeout_ms),
        idle_s=_seconds(asked.idle_ms, None),
        total_s=_seconds(asked.total_ms, grant.limits.total_timeout_ms),
    )


def _seconds(asked_ms: int | None, limit_ms: int | None) -> float | None:
    bounds = [value for value in (asked_ms, limit_ms) if value is not None]
    return min(bounds) / 1000 if bounds else None
