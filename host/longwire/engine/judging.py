"""What a request would meet, found out before it is made.

The refusals of a stream's authorization and of its upstream connection, by the same functions and in the same order.
What only a name service or a server can say is not asked; a keyring is, and a command run, only where somebody is there
who wants to know.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, ParamSpec

from longwire.authority import SECURE_SCHEMES
from longwire.engine.suspending import refusal
from longwire.policy import (
    Decision,
    GenerationDecision,
    Grant,
    Policy,
    Provider,
    SecretReader,
    SecretSource,
    Suspensions,
)
from longwire.policy.ca_files import check_ca_file
from longwire.policy.doubts import out_of_reach
from longwire.policy.matching import HostPattern
from longwire.policy.urls import CanonicalUrl, parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Obstacle, Page
from longwire.upstream.resolver import check_beyond_proxy
from longwire.upstream.trust import check_authorities

P = ParamSpec("P")

# What `Status.obstacles` holds.
_MAX_OBSTACLES: Final = 64
_NOT_WANTED: Final = object()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of one request, as far as it can be known: it is allowed where there is no `error`.

    With a `decision` and an `error` a grant is there for it, and something else is in the way.
    """

    decision: Decision | None = None
    error: StreamError | None = None

    @property
    def allowed(self) -> bool:
        """Whether nothing is known to be in the way."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class GenerationJudgement:
    """The same of one generation. Whether a budget is used up is not in it."""

    decision: GenerationDecision | None = None
    error: StreamError | None = None


class Judge:
    """Judges by one policy, what is suspended, and the files as they are now. Reads secrets, and keeps none."""

    def __init__(
        self,
        policy: Policy,
        suspensions: Suspensions,
        secrets: SecretReader | None = None,
        *,
        ask_keyrings: bool = True,
    ) -> None:
        self._policy = policy
        self._suspensions = suspensions
        self._secrets = secrets or SecretReader()
        self._ask_keyrings = ask_keyrings

    def judge(self, page: Page, method: str, url: str) -> Judgement:
        """One request. `url` is canonical, as in `Policy.decide`."""
        try:
            decision = self._policy.decide(page, method, url)
        except StreamError as error:
            return Judgement(error=error)
        target = decision.url
        at = HostPattern(target.scheme, target.host, wildcard=False, port=target.port)
        return Judgement(decision, self.obstacle(decision.grant, at, parse_origin(page.origin)))

    def judge_generation(self, page: Page, provider: str, model: str | None = None) -> GenerationJudgement:
        """One generation, with the names that the page would use."""
        try:
            decision = self._policy.decide_generation(page, provider, model)
        except StreamError as error:
            return GenerationJudgement(error=error)
        met = self.provider_obstacle(decision.grant, decision.provider, parse_origin(page.origin))
        return GenerationJudgement(decision, met)

    def destinations(self, page: Page) -> Iterator[tuple[str, StreamError | None]]:
        """Each of `Policy.destinations_for`, with what its first grant for this page meets there."""
        origin = parse_origin(page.origin)
        named = self._policy.destinations_for(page.origin, private=page.private, principal=page.asks_as)
        wanted: dict[str, object] = dict.fromkeys(named)
        if origin is None:
            return
        for grant in self._policy.in_force:
            if (page.private and not grant.private_windows) or not grant.names_page(origin, page.asks_as):
                continue
            first = [each for each in grant.open_destinations if wanted.pop(str(each), _NOT_WANTED) is None]
            if not first:
                continue
            # Once for a grant, however many destinations it has: a page may ask often, and others wait meanwhile.
            of_grant = self._met_everywhere(grant, origin)
            of_scheme = {at: _met(self.check_authorities, grant, at) for at in {each.origin.scheme for each in first}}
            for each in first:
                of_address = _met(self._check_address, grant, each.origin)
                yield str(each), of_grant or of_address or of_scheme[each.origin.scheme]

    def providers(self, page: Page) -> Iterator[tuple[str, StreamError | None]]:
        """Each of `Policy.providers_for`, with what the grant that decides meets there."""
        origin = parse_origin(page.origin)
        grants = self._policy.generation_grants(page.origin, private=page.private, principal=page.asks_as)
        for grant, provider in grants:
            yield provider.name, self.provider_obstacle(grant, provider, origin)

    def obstacles(self, page: Page) -> list[Obstacle]:
        """What is in the way of this page, each thing once with all that it keeps from being reached."""
        found: dict[tuple[ErrorCode, str, str | None], tuple[list[str], list[str]]] = {}
        for kind, met in enumerate((self.destinations(page), self.providers(page))):
            for name, error in met:
                if error is not None:
                    found.setdefault((error.code, error.text, error.command), ([], []))[kind].append(name)
        every = [
            Obstacle(destinations=where, providers=providers or None, code=code, message=message, command=command)
            for (code, message, command), (where, providers) in found.items()
        ]
        return every[:_MAX_OBSTACLES]

    def provider_obstacle(self, grant: Grant, provider: Provider, page: CanonicalUrl | None) -> StreamError | None:
        """What generations with this provider meet first, as `obstacle`; pages are not told where it is."""
        reached = grant.reaching(provider)
        error = self.obstacle(reached, reached.destinations[0].origin, page)
        if error is None or error.phase is not Phase.CONNECT:
            return error
        message = (
            f'the provider "{provider.name}" is at an address that its network = "{provider.network}" does not reach; '
            "`longwire policy validate` says more"
        )
        why = out_of_reach(provider.base_url.host, provider.network)
        return StreamError(
            error.code,
            message,
            error.phase,
            reason=f'the address of the provider "{provider.name}" {why}' if why else error.reason,
            needed_network=error.needed_network,
            command="longwire policy validate",
        )

    def obstacle(self, grant: Grant, at: HostPattern, page: CanonicalUrl | None) -> StreamError | None:
        """What requests by this grant to that host meet first; None if nothing is known to be in the way.

        Without a page nothing is said of what is suspended.
        """
        return (
            self._met_everywhere(grant, page)
            or _met(self._check_address, grant, at)
            or _met(self.check_authorities, grant, at.scheme)
        )

    def _met_everywhere(self, grant: Grant, page: CanonicalUrl | None) -> StreamError | None:
        """What keeps this page from all that the grant names."""
        try:
            self._check_suspended(grant, page)
            self._check_owners(grant)
            for source in grant.secrets:
                self.check_secret(source)
        except StreamError as error:
            return error
        return None

    def check_secret(self, source: SecretSource) -> None:
        """Read it. A keyring that may not be asked, or a command that may not be run, counts as one that answers.

        Raises:
            StreamError: SECRET_UNAVAILABLE.
        """
        if self._ask_keyrings:
            self._secrets.read(source)
        else:
            self._secrets.check(source)

    def check_authorities(self, grant: Grant, scheme: str = "https") -> None:
        """Its `ca_file`: whose it is, and for https and wss whether it can be used.

        Raises:
            StreamError: UPSTREAM_TLS.
        """
        self._check_owners(grant)
        if grant.ca_file is not None and scheme in SECURE_SCHEMES:
            check_authorities(grant.ca_file)

    def _check_suspended(self, grant: Grant, page: CanonicalUrl | None) -> None:
        if page is None or not grant.secrets:
            return
        found = self._suspensions.standing_against(self._policy, grant.secrets, page, grant.principal)
        if found is not None:
            raise refusal(found, Phase.POLICY)

    def _check_owners(self, grant: Grant) -> None:
        if grant.ca_file is not None:
            check_ca_file(grant.ca_file)

    def _check_address(self, grant: Grant, at: HostPattern) -> None:
        if not at.wildcard:
            # What a name leads to is asked when it is connected to; what an address is stands there.
            check_beyond_proxy(at.host, grant.network)


def _met(check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> StreamError | None:
    """What `check` raises; None if it does not."""
    try:
        check(*args, **kwargs)
    except StreamError as error:
        return error
    return None
