"""From a STREAM_START to an upstream request: where policy and upstream meet.

A plan is made when a stream starts and asked again at every redirect, because each hop is a request of its own: a new
decision, new headers, secrets resolved at that moment.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

import ada_url
import structlog

from longwire.audit.vocabulary import audit_fields
from longwire.engine.suspending import Carried, SuspensionKeeper
from longwire.policy import (
    Admission,
    Decision,
    Grant,
    Policy,
    ReflectionScanner,
    Secret,
    SecretReader,
    Suspensions,
    Ticket,
    build_request_headers,
    filter_response_headers,
    secret_in_headers,
)
from longwire.policy.ca_files import check_ca_file
from longwire.policy.live_policy import LivePolicy
from longwire.policy.secret_supply import SecretSupply
from longwire.policy.urls import shorten
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.limits import HEADER_TIMEOUT_MS, MAX_MESSAGE_CHARS
from longwire.protocol.messages import StreamStart
from longwire.protocol.records import StreamedRequestBody, Timeouts
from longwire.upstream.model import Hop, Redirect, RequestBody, StreamedBody, UpstreamRequest, UpstreamTimeouts
from longwire.upstream.redirects import carried_headers

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")


class RequestPlanner:
    """Makes plans. One per session, because admission counts across streams."""

    def __init__(
        self, policy: LivePolicy, secrets: SecretReader | None = None, suspensions: Suspensions | None = None
    ) -> None:
        """Without `suspensions` what the guard finds is forgotten with this object."""
        self._policy = policy
        self._suspensions = suspensions or Suspensions()
        self._keeper = SuspensionKeeper(self._suspensions)
        self._admission = Admission()
        self._secrets = SecretSupply(secrets or SecretReader())

    def plan(self, start: StreamStart) -> "RequestPlan":
        """A plan for this stream, not judged yet: see `RequestPlan.begin`."""
        carried = Carried(start.page, self._keeper, self._policy.current)
        return RequestPlan(start, self._policy, self._admission, self._secrets, carried)

    async def keep(self) -> None:
        """See what other hosts suspended, and write down what is not written yet."""
        self._suspensions.refresh()
        await self._keeper.keep()


class RequestPlan:
    """One stream's request as policy allows it: what goes out at each hop, and what the page may see of the answer.

    `begin` comes first. `close` gives its places back; call it when the socket is closed, not before, and also after
    a `begin` that failed.
    """

    def __init__(
        self,
        start: StreamStart,
        policy: LivePolicy,
        admission: Admission,
        secrets: SecretSupply,
        carried: Carried,
    ) -> None:
        self._start = start
        self._policy = policy
        self._admission = admission
        self._secrets = secrets
        self._carried = carried
        self._asker = asker_of(start)
        self._tickets: dict[str, Ticket] = {}
        self._guarded: list[Secret] = []
        self._scanner: ReflectionScanner | None = None
        self._decision: Decision
        self._first_hop: Hop
        self._hops = 1
        self._unwatch: list[Callable[[], None]] = []

    async def begin(self, revoked: Callable[[StreamError], None]) -> None:
        """Judge the stream's first request, take its place under the grant's limits, and read its secrets.

        `revoked` is called, once at most for each change, when another policy comes into force that no longer allows
        the request this plan stands at. Its error is retryable where the file cannot be used, which somebody will mend.
        It is called when a secret that the request sends is suspended, too.

        Raises:
            StreamError: refused: phase `policy`, with the code and the rule that was missing.
        """
        start = self._start
        if start.method in ("GET", "HEAD") and start.body.kind != "none":  # Fetch, the Request constructor, step 35
            message = f"a request body with the method {start.method}; send it with another method, such as POST"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        policy = await self._policy.settled()
        self._decision = policy.decide(start.page, start.method, start.url)
        self._unwatch.append(self._policy.watch(lambda policy: self._judge_again(policy, revoked)))
        self._unwatch.append(self._carried.watch(revoked))
        self._first_hop = await self._enter(self._decision, start.headers)

    @property
    def grant_name(self) -> str:
        """The grant of the latest hop."""
        return self._decision.grant.name

    def request(
        self,
        body: bytes | AsyncIterator[bytes] | None,
        again: Callable[[], AsyncIterator[bytes]] | None = None,
    ) -> UpstreamRequest:
        """The first hop with `body`: whole, streamed, or none. `again`: see `StreamedBody`."""
        start = self._start
        size = start.body.size if isinstance(start.body, StreamedRequestBody) else None
        sent: RequestBody = body if body is None or isinstance(body, bytes) else StreamedBody(size, body, again)
        return UpstreamRequest(
            method=self._decision.method,
            hop=self._first_hop,
            body=sent,
            isolation=self._asker,
            redirect=start.redirect,
            next_hop=self._next_hop,
            timeouts=effective_timeouts(start.timeouts, self._decision.grant),
        )

    def response_headers(
        self, pairs: Iterable[HeaderPair], reason: str = "", redirected_to: str = "", *, status: int
    ) -> list[HeaderPair]:
        """The header pairs that the page may see. It will see the reason phrase and the final URL of redirects too.

        Raises:
            StreamError: SECRET_REFLECTED, one of all these holds an injected secret, or one was suspended meanwhile.
        """
        self._carried.check()
        self._scanner = ReflectionScanner(self._guarded)
        shown = filter_response_headers(pairs, self._decision.grant, status)
        if name := secret_in_headers([*shown, ("reason", reason), ("url", redirected_to)], self._guarded):
            raise self._carried.sent_back(name, Phase.HEADERS, self._start.id)
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
        self._carried.check()
        if self._scanner is not None and (name := self._scanner.feed(data)):
            raise self._carried.sent_back(name, Phase.BODY, self._start.id)

    async def failed(self) -> None:
        """After an error, before the page hears of it: what the guard found is written down."""
        await self._carried.kept()

    def close(self) -> None:
        """Give back the places under the grants' limits."""
        for unwatch in self._unwatch:
            unwatch()
        for ticket in self._tickets.values():
            ticket.leave()

    async def _enter(self, decision: Decision, page_headers: list[HeaderPair]) -> Hop:
        grant = decision.grant
        self._carried.take(grant)
        if grant.name in self._tickets:
            self._admission.request_again(grant, self._asker)
        else:
            self._tickets[grant.name] = self._admission.enter(grant, self._asker)
        if grant.ca_file is not None:
            check_ca_file(grant.ca_file)
        secrets = await self._secrets.read_all(grant.secrets)
        headers = build_request_headers(page_headers, decision, secrets)
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
            proxy=None if grant.proxy is None else (grant.proxy.host, grant.proxy.port),
        )

    async def _next_hop(self, redirect: Redirect) -> Hop:
        self._hops += 1
        try:
            # First of all: the refusals below name the URL, and the page and the log read them.
            if name := secret_in_headers([("location", redirect.url)], self._guarded):
                raise self._carried.sent_back(name, Phase.HEADERS, self._start.id)
            decision = self._judge_redirect(await self._policy.settled(), redirect)
        except StreamError as error:
            self._audit_redirect(redirect, None, error)
            raise
        self._audit_redirect(redirect, decision, None)
        self._decision = decision
        hop = await self._enter(decision, carried_headers(self._start.headers, redirect))
        return replace(hop, timeouts=effective_timeouts(self._start.timeouts, decision.grant))

    def _judge_redirect(self, policy: Policy, redirect: Redirect) -> Decision:
        previous = self._decision.grant
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

    def _audit_redirect(self, redirect: Redirect, decision: Decision | None, error: StreamError | None) -> None:
        """One line for the decision about one redirect."""
        fields = audit_fields(self._start)
        if error is not None and error.code is ErrorCode.SECRET_REFLECTED:
            fields["destination"] = None  # it holds the secret
        elif not self._start.page.private:
            fields["destination"] = redirect.url
        log.info(
            "redirect",
            **(fields | {"method": redirect.method}),
            hop=self._hops,
            grant=decision and decision.grant.name,
            outcome="allowed" if error is None else "denied",
            code=error and error.code,
        )

    def _judge_again(self, policy: Policy, revoked: Callable[[StreamError], None]) -> None:
        """End the stream unless the changed policy has its request carried as it is: another grant may allow it."""
        decision = self._decision
        try:
            grant = policy.decide(self._start.page, decision.method, decision.url.href).grant
            if fields := decision.grant.carries_otherwise(grant):
                message = (
                    f'the grant "{grant.name}" has another {" and ".join(fields)} for this request than it was opened '
                    "with; start it again"
                )
                raise StreamError(ErrorCode.POLICY_DENIED, message, Phase.POLICY)
        except StreamError as error:
            message = shorten(f"the policy was changed while the stream ran: {error.message}", MAX_MESSAGE_CHARS)
            mended = error.code is ErrorCode.POLICY_INVALID or error.retryable
            revoked(StreamError(error.code, message, error.phase, retryable=mended))
            return
        self._carried.judge_again(policy, revoked)


def asker_of(start: StreamStart) -> str:
    """Whose request it is, to whatever is not shared. A private window shares nothing with the same page outside it."""
    return start.page.origin + (" in a private window" if start.page.private else "")


def effective_timeouts(asked: Timeouts, grant: Grant) -> UpstreamTimeouts:
    """What the page asked for, or what the grant says, or the default; never more than the grant says. Seconds.

    Where the grant says nothing, a page may ask for as much as a frame can say (`MAX_TIMEOUT_MS`).
    """
    header_ms, header_by = _clock("headerTimeout", asked.header_ms, grant.limits.header_timeout_ms, grant)
    total_ms, total_by = _clock("totalTimeout", asked.total_ms, grant.limits.total_timeout_ms, grant)
    if header_ms is None:
        header_ms = HEADER_TIMEOUT_MS
        header_by = (
            f"headerTimeout, by default. The page may ask for longer (longwire: {{ headerTimeout: … }}), or the "
            f'policy says limits = {{ header_timeout = "…" }} in the grant "{grant.name}"'
        )
    return UpstreamTimeouts(
        header_s=header_ms / 1000,
        idle_s=None if asked.idle_ms is None else asked.idle_ms / 1000,
        total_s=None if total_ms is None else total_ms / 1000,
        header_by=header_by,
        total_by=total_by,
    )


def _clock(name: str, asked_ms: int | None, granted_ms: int | None, grant: Grant) -> tuple[int | None, str]:
    """How long, in milliseconds, and whose number that is with the line that changes it."""
    if granted_ms is not None and (asked_ms is None or asked_ms > granted_ms):
        field = "header_timeout" if name == "headerTimeout" else "total_timeout"
        line = f'limits = {{ {field} = "…" }}'
        return granted_ms, f'{name}, as the grant "{grant.name}" bounds it. The policy raises it there: {line}'
    return asked_ms, f"{name}, as the page asked. It raises it where the server needs longer: longwire: {{ {name}: … }}"
