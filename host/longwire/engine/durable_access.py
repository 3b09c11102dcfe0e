"""Who may have durable requests, and by which grant. Asked when one begins, each time a page attaches, and when the
policy changes.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from pydantic import JsonValue

from longwire.durable.record import Entry, Head, Record
from longwire.engine.exchange import Exchange, Kind, Kinds
from longwire.policy import Grant, Policy
from longwire.policy.decision import NearMiss, PolicyDeniedError
from longwire.policy.features import features_line
from longwire.policy.grants import DurableLimits
from longwire.policy.live_policy import LivePolicy
from longwire.policy.urls import parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.messages import DEFAULT_KIND, DURABLE_KIND, GENERATION_KIND
from longwire.protocol.records import Page

POLICY_LINE: Final = 'durable = { max_bytes = "64MiB", keep = "1h", detached = "30m" }'


class Allowed(NamedTuple):
    """A grant lets the request outlive its page. `limits` are the grant's, `entry` is what it counts for.

    `shows` is the grant that filters the response's head; None where Longwire itself wrote that.
    """

    grant: Grant
    limits: DurableLimits
    entry: Entry
    shows: Grant | None

    @property
    def recordable(self) -> bool:
        """Whether recordings may have it."""
        return self.grant.has("record") and (self.shows is None or self.shows.has("record"))


class Asked(NamedTuple):
    """What of a request the policy decides by. `provider` and `model` are there for a generation that can be read."""

    kind: str
    method: str
    url: str
    provider: str | None = None
    model: str | None = None

    @classmethod
    def of(cls, record: Record) -> "Asked":
        """What a request that is there asked for."""
        return cls(record.kind, record.method, record.url, _text(record.ask, "provider"), _text(record.ask, "model"))

    @property
    def stored(self) -> dict[str, JsonValue]:
        """For `Record.ask`."""
        given: dict[str, JsonValue] = {"provider": self.provider, "model": self.model}
        return {name: value for name, value in given.items() if value is not None}


def check_page(page: Page) -> str:
    """Give back the page's profile, if it is one that may have durable requests at all.

    Raises:
        PolicyDeniedError: it is in a private window or in another page's frame, it is the writer, or its extension
            says no profile.
    """
    if page.private:
        why = "a private window leaves nothing behind, so it has no durable requests"
    elif page.frame != 0:
        why = "only the page of a tab has durable requests, not a frame in it"
    elif page.asks_as != "page":
        why = "the writer has no durable requests"
    elif not page.profile:
        why = "the extension does not say which profile of the browser this is; update it, then reload it"
    else:
        return page.profile
    raise PolicyDeniedError(f"{why}. Ask without `durable`")


def page_of(record: Record) -> Page:
    """The page whose it is, as the policy is asked about it."""
    return Page(origin=record.origin, tab=-1, frame=0, document="", private=False, profile=record.profile)


def allow(policy: Policy, page: Page, asked: Asked, head: Head | None = None) -> Allowed:
    """Ask the policy, as for a request that begins now. `head`: of the response that there is, which may have come
    from elsewhere.

    Raises:
        StreamError: POLICY_INVALID, or what else the policy says of such a request. PolicyDeniedError: it is refused,
            or its grant has no `durable`.
    """
    if asked.kind == GENERATION_KIND:
        return _allow_generation(policy, page, asked)
    decision = policy.decide(page, asked.method, asked.url)
    shows = decision.grant
    if head is not None and head.redirected:
        shows = _grant_at_the_end(policy, page, asked.method, head.url)
    return _allowed(decision.grant, page, shows)


def allow_some(policy: Policy, page: Page, *, generation: bool = False) -> Allowed:
    """Whether the page may have durable requests of some kind, whichever.

    Raises:
        StreamError: POLICY_INVALID. PolicyDeniedError: no grant that names the page has `durable`.
    """
    named = [grant for grant in _named(policy, page) if grant.open_providers or not generation]
    found = next((grant for grant in named if grant.durable is not None and grant.has("durable")), None)
    if found is not None:
        return _allowed(found, page, None)
    if named:
        raise _no_durable(next((grant for grant in named if grant.durable is not None), named[0]))
    # No grant names it: what the policy says then is what it says of every request.
    policy.decide_generation(page, "", None)
    raise PolicyDeniedError("no grant of the policy lets this page have durable requests")


def all_recordable(policy: Policy, page: Page) -> bool:
    """Whether recordings may have what is told of the page's durable requests, whichever grant each is by."""
    return all(grant.has("record") for grant in _named(policy, page) if grant.durable is not None)


class NoDaemon:
    """The kinds of a host without a daemon: what is durable is refused, and everything else is as it was."""

    def __init__(self, kinds: Kinds, policy: LivePolicy, needed: Callable[[], None]) -> None:
        """`needed` is called when a page asks for what only a daemon can do, and the policy lets it: that was written
        after the host started. The page is told to ask again, and the host should end when no stream lives.
        """
        self._policy = policy
        self._needed = needed
        self.kinds: Kinds = {**{name: self._without(kind) for name, kind in kinds.items()}, DURABLE_KIND: self._refuse}

    def _without(self, kind: Kind) -> Kind:
        async def carried_out(exchange: Exchange) -> None:
            await (kind if exchange.start.durable is None else self._refuse)(exchange)

        return carried_out

    async def _refuse(self, exchange: Exchange) -> None:
        start = exchange.start
        check_page(start.page)
        policy = await self._policy.settled()
        kind = start.kind or DEFAULT_KIND
        if kind in (DURABLE_KIND, GENERATION_KIND):
            allow_some(policy, start.page, generation=kind == GENERATION_KIND)
        else:
            allow(policy, start.page, Asked(kind, start.method, start.url))
        self._needed()
        message = (
            "the policy has durable requests since a moment ago, for which the native host starts anew once no stream "
            "is open. Try again when those that are open have ended"
        )
        raise StreamError(ErrorCode.HOST_UNAVAILABLE, message, Phase.POLICY, retryable=True)


def _named(policy: Policy, page: Page) -> list[Grant]:
    """The grants that name the page."""
    origin = parse_origin(page.origin)
    return [] if origin is None else [grant for grant in policy.in_force if grant.names_page(origin)]


def _allow_generation(policy: Policy, page: Page, asked: Asked) -> Allowed:
    if asked.provider is None:
        # It is no question. Whoever may ask one is told what is wrong with it, by the one who would answer it.
        return allow_some(policy, page, generation=True)
    return _allowed(policy.decide_generation(page, asked.provider, asked.model).grant, page, None)


def _allowed(grant: Grant, page: Page, shows: Grant | None) -> Allowed:
    if grant.durable is None or not grant.has("durable"):
        raise _no_durable(grant)
    origin = parse_origin(page.origin)
    entry = None if origin is None else grant.entry_for(origin)
    return Allowed(grant, grant.durable, Entry(grant.name, str(entry)), shows)


def _grant_at_the_end(policy: Policy, page: Page, method: str, url: str) -> Grant:
    """The grant for where redirects led. What they made of the method is not known: another one becomes GET, or stays
    (Fetch, HTTP-redirect fetch, step 12).
    """
    url = url.partition("#")[0]
    try:
        return policy.decide(page, method, url).grant
    except PolicyDeniedError:
        return policy.decide(page, "GET", url).grant


def _no_durable(grant: Grant) -> PolicyDeniedError:
    text = f'the grant "{grant.name}" does not let requests outlive their page'
    lacks, lines = ([], []) if grant.durable is not None else (["it has no durable"], [POLICY_LINE])
    if not grant.has("durable"):
        named = grant.features or ()
        lacks.append(f"its features are {', '.join(named)}")
        lines.append(features_line((*named, "durable")))
    miss = NearMiss(grant, tuple(lacks), len(lacks), tuple(lines))
    return PolicyDeniedError(f"{text}. The policy would need {', '.join(lines)} in that grant", miss)


def _text(values: dict[str, JsonValue], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) else None
