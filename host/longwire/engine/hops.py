"""One hop of a request after another: its place under the grant's limits, its secrets, its headers."""

from collections.abc import Callable

from longwire.authority import SOCKET_SCHEMES
from longwire.engine.exchange import asker_of
from longwire.engine.suspending import Carried
from longwire.policy import Admission, Decision, Policy, Secret, SecretSource, Ticket, build_request_headers
from longwire.policy.ca_files import check_ca_file
from longwire.policy.secret_supply import SecretSupply
from longwire.policy.urls import shorten
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from longwire.protocol.messages import StreamStart
from longwire.upstream.model import Hop


class Hops:
    """Of one stream. `decision` is that of the latest hop, `guarded` what the reflection guard looks for."""

    def __init__(
        self,
        start: StreamStart,
        decision: Decision,
        admission: Admission,
        secrets: SecretSupply,
        carried: Carried,
        *,
        decide: Callable[[Policy], Decision] | None = None,
    ) -> None:
        """`decision` is that of the first hop; `decide` makes it anew, where it is not that of the page's request."""
        self.decision = decision
        self.guarded: list[Secret] = []
        self.recordable = True  # every grant so far lets recordings have it
        self._page = start.page
        self._asker = asker_of(start)
        self._admission = admission
        self._secrets = secrets
        self._carried = carried
        self._decide = decide
        self._tickets: dict[str, Ticket] = {}
        self._injected: list[tuple[SecretSource, Secret]] = []

    async def enter(self, decision: Decision, page_headers: list[HeaderPair]) -> Hop:
        """Take the hop's place under the grant's limits, read its secrets, and build what is sent.

        Raises:
            StreamError: phase `policy`: LIMIT_EXCEEDED, SECRET_UNAVAILABLE, SECRET_REFLECTED (one is suspended),
                POLICY_DENIED (a header that the grant does not let through), UPSTREAM_TLS (its `ca_file`).
        """
        self.decision = decision
        grant = decision.grant
        self.recordable = self.recordable and grant.has("record")
        self._carried.take(grant)
        if grant.name in self._tickets:
            self._admission.request_again(grant, self._asker)
        else:
            socket = decision.url.scheme in SOCKET_SCHEMES
            self._tickets[grant.name] = self._admission.enter(grant, self._asker, socket=socket)
        if grant.ca_file is not None:
            check_ca_file(grant.ca_file)
        secrets = await self._secrets.read_all(grant.secrets)
        self._injected = [(source, secrets[source.name]) for source in grant.secrets]
        headers = build_request_headers(page_headers, decision, secrets)
        if grant.reflection_guard:
            self.guarded.extend(secrets.values())
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

    def judge_again(self, policy: Policy, revoked: Callable[[StreamError], None]) -> None:
        """Call `revoked` unless the changed policy has the request carried as it is: another grant may allow it."""
        decision = self.decision
        try:
            again = self._decided_by(policy)
            grant = again.grant
            fields = decision.grant.carries_otherwise(grant)
            if again.url != decision.url:
                fields += ("base_url",)
            if fields:
                message = (
                    f'the grant "{grant.name}" has another {" and ".join(fields)} for this request than it was opened '
                    "with; start it again"
                )
                raise StreamError(ErrorCode.POLICY_DENIED, message, Phase.POLICY)
        except StreamError as error:
            message = shorten(f"the policy was changed while the stream ran: {error.text}", MAX_MESSAGE_CHARS)
            mended = error.code is ErrorCode.POLICY_INVALID or error.retryable
            revoked(StreamError(error.code, message, error.phase, retryable=mended))
            return
        self._carried.judge_again(policy, revoked)

    def refused(self) -> bool:
        """The latest hop's server does not take its secrets: 401. Whether reading them again may give others.

        What runs is over with that: it is not sent again here.
        """
        return self._secrets.forget_all(self._injected)

    def _decided_by(self, policy: Policy) -> Decision:
        if self._decide is not None:
            return self._decide(policy)
        return policy.decide(self._page, self.decision.method, self.decision.url.href)

    def leave(self) -> None:
        """Give back the places under the grants' limits."""
        for ticket in self._tickets.values():
            ticket.leave()
