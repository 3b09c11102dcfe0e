"""From a STREAM_START to an upstream request: where policy and upstream meet.

    Authorizer.begin ──► Authorization: the request, each redirect's next hop, what the page may see of the answer

The order of calls is in the types: who has an `Authorization` was allowed the first hop, and has its places until the
block of `begin` ends.
"""

from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from longwire.authority import SOCKET_SCHEMES
from longwire.engine.exchange import asker_of
from longwire.engine.hops import Hops
from longwire.engine.redirects import RedirectJudge
from longwire.engine.suspending import Carried, SuspensionKeeper
from longwire.engine.timeouts import effective_timeouts
from longwire.policy import (
    Admission,
    Decision,
    Grant,
    Policy,
    ReflectionScanner,
    Secret,
    SecretReader,
    Suspensions,
    filter_response_headers,
    secret_in_headers,
)
from longwire.policy.generation_decision import GenerationDecision
from longwire.policy.live_policy import LivePolicy
from longwire.policy.secret_supply import SecretSupply
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.limits import SOCKET_MESSAGE_BYTES
from longwire.protocol.messages import WEBSOCKET_KIND, StreamStart
from longwire.protocol.records import Page, StreamedRequestBody
from longwire.upstream.model import Hop, RequestBody, StreamedBody, UpstreamRequest

_UNAUTHORIZED: Final = 401  # RFC 9110, section 15.5.2


class Authorizer:
    """Judges what starts. One per engine, because what it counts, it counts across streams and channels."""

    def __init__(
        self, policy: LivePolicy, keeper: SuspensionKeeper | None = None, secrets: SecretReader | None = None
    ) -> None:
        """Without `keeper` what the guard finds is forgotten with this object."""
        self._policy = policy
        self._keeper = keeper or SuspensionKeeper(Suspensions())
        self._admission = Admission()
        self._secrets = SecretSupply(secrets or SecretReader())

    def close(self) -> None:
        """Nobody waits for secrets any more: end the commands that print them."""
        self._secrets.close()

    def release_secrets(self) -> None:
        """Hold none in memory: nobody is there. What is needed again is read again."""
        self._secrets.release()

    async def provider(self, page: Page, name: str, model: str | None) -> GenerationDecision:
        """Whether a page may ask that provider, for that model or for the provider's own choice.

        Raises:
            StreamError: phase `policy`: it may not, or the policy cannot be used.
        """
        return (await self._policy.settled()).decide_generation(page, name, model)

    async def any_provider(self, page: Page) -> tuple[str, bool]:
        """The grant by which a page may ask some provider, whichever; and whether all such let recordings have it.

        Raises:
            StreamError: as `provider`.
        """
        policy = await self._policy.settled()
        found = policy.generation_grants(page.origin, private=page.private, principal=page.asks_as)
        grants = [grant for grant, _ in found] or [policy.decide_generation(page, "", None).grant]
        return grants[0].name, all(grant.has("record") for grant in grants)

    @asynccontextmanager
    async def begin(
        self,
        start: StreamStart,
        revoked: Callable[[StreamError], None],
        decide: Callable[[Policy], Decision] | None = None,
    ) -> AsyncIterator["Authorization"]:
        """Judge a stream's first request, take its place under the grant's limits, and read its secrets.

        `decide` says by which grant, where that is not the page's request itself; then no redirect is followed.

        `revoked` is called, once at most for each change, when another policy comes into force that no longer allows
        the request that the stream stands at. Its error is retryable where the file cannot be used, which somebody will
        mend. It is called when a secret that the request sends is suspended, too.

        The places are given back at the end of the block: let that be when the socket is closed, not before. If it ends
        with an error, what the guard found is written down first.

        Raises:
            StreamError: refused: phase `policy`, with the code and the rule that was missing.
        """
        socket = start.kind == WEBSOCKET_KIND
        if (
            start.method in ("GET", "HEAD") and start.body.kind != "none" and not socket
        ):  # Fetch, the Request constructor, step 35
            message = f"a request body with the method {start.method}; send it with another method, such as POST"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        policy = await self._policy.settled()
        decision = policy.decide(start.page, start.method, start.url) if decide is None else decide(policy)
        if socket != (decision.url.scheme in SOCKET_SCHEMES):
            message = (
                "ws: and wss: are for WebSockets, and nothing else is: this extension asks for another kind of exchange"
            )
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        carried = Carried(start.page, self._keeper, self._policy.current)
        hops = Hops(start, decision, self._admission, self._secrets, carried, decide=decide)
        # From here on, although the secrets are yet to be read: a keyring may take a minute.
        unwatch = self._policy.watch(lambda policy: hops.judge_again(policy, revoked))
        unwatch_secrets = carried.watch(revoked)
        try:
            first = await hops.enter(decision, start.headers)
            redirects = RedirectJudge(start, self._policy, hops, carried)
            try:
                yield Authorization(start, first, hops, redirects, carried)
            except StreamError:
                await carried.kept()
                raise
        finally:
            unwatch_secrets()
            unwatch()
            hops.leave()


class Authorization:
    """A decision turned into what may be sent, hop by hop, and what the page may see of the answer.

    `renewed`: the answer was 401, and a secret that was sent will be another the next time.
    """

    def __init__(self, start: StreamStart, first: Hop, hops: Hops, redirects: RedirectJudge, carried: Carried) -> None:
        self._start = start
        self._first = first
        self._hops = hops
        self._redirects = redirects
        self._carried = carried
        self.renewed = False

    @property
    def message_bytes(self) -> int:
        """How large one message of a WebSocket may be, either way."""
        return self._hops.decision.grant.limits.message_bytes or SOCKET_MESSAGE_BYTES

    @property
    def redirected(self) -> bool:
        """Whether a server answered with a redirect."""
        return self._redirects.any

    @property
    def recordable(self) -> bool:
        """Whether the grants of all hops let recordings have it."""
        return self._hops.recordable

    @property
    def grant_name(self) -> str:
        """The grant of the latest hop."""
        return self._hops.decision.grant.name

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
            method=self._hops.decision.method,
            hop=self._first,
            body=sent,
            isolation=asker_of(start),
            redirect=start.redirect,
            next_hop=self._redirects.next_hop,
            timeouts=effective_timeouts(start.timeouts, self._hops.decision.grant),
        )

    def answer(
        self, pairs: Iterable[HeaderPair], reason: str = "", redirected_to: str = "", *, status: int
    ) -> "Answer":
        """Look at the response's head; gives back what the page may see, and what looks at the body.

        The page will see the reason phrase and the final URL of redirects too.

        Raises:
            StreamError: SECRET_REFLECTED, one of all these holds an injected secret, or one was suspended meanwhile.
        """
        self._carried.check()
        if status == _UNAUTHORIZED:
            self.renewed = self._hops.refused()
        grant, guarded = self._hops.decision.grant, self._hops.guarded
        shown = filter_response_headers(pairs, grant, status)
        if name := secret_in_headers([*shown, ("reason", reason), ("url", redirected_to)], guarded):
            raise self._carried.sent_back(name, Phase.HEADERS, self._start.id)
        return Answer(shown, self._start.id, grant, guarded, self._carried)


class Answer:
    """A response whose head the page may see: `headers` are the pairs. No byte of its body passes `inspect` unseen."""

    def __init__(
        self, headers: list[HeaderPair], stream_id: int, grant: Grant, guarded: list[Secret], carried: Carried
    ) -> None:
        self.headers = headers
        self._stream_id = stream_id
        self._grant = grant
        self._scanner = ReflectionScanner(guarded)
        self._guarded = guarded
        self._joined: dict[Hashable, ReflectionScanner] = {}
        self._carried = carried

    def inspect(self, data: bytes, total_bytes: int) -> None:
        """Look at a piece of the body before the page gets it; `total_bytes` counts it too.

        Raises:
            StreamError: SECRET_REFLECTED, or BODY_TOO_LARGE for the grant's limit.
        """
        limit = self._grant.limits.bytes
        if limit is not None and total_bytes > limit:
            message = f'the body is larger than the {limit} bytes that the grant "{self._grant.name}" allows'
            raise StreamError(ErrorCode.BODY_TOO_LARGE, message, Phase.BODY)
        self._carried.check()
        self._look(self._scanner, data)

    def inspect_joined(self, which: Hashable, text: str) -> None:
        """Look at more of the text `which`: what a reader puts together although something stood between in the body.

        Raises:
            StreamError: SECRET_REFLECTED.
        """
        scanner = self._joined.get(which)
        if scanner is None:
            scanner = self._joined[which] = ReflectionScanner(self._guarded)
        self._look(scanner, text.encode("utf-8", "replace"))

    def _look(self, scanner: ReflectionScanner, data: bytes) -> None:
        if name := scanner.feed(data):
            raise self._carried.sent_back(name, Phase.BODY, self._stream_id)
