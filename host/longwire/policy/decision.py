"""The one decision: may this page send this method to this URL, and by which grant. Requests and redirect hops alike.

A refusal says what was missing, to two readers. The page is told about grants that name its own origin, because
those it may know already; the administrator (`longwire policy check`, the log) is told which grant of all came
nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from longwire.addresses import AddressClass, Network, classify, parse_address
from longwire.policy.doubts import out_of_reach
from longwire.policy.features import feature_of, features_line
from longwire.policy.grants import Grant
from longwire.policy.matching import FORBIDDEN_METHODS, TOKEN, DestinationPattern, parse_method
from longwire.policy.urls import CONSOLE, CanonicalUrl, parse_canonical, parse_origin, scoped_path_hazard, shorten
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_METHOD_CHARS
from longwire.protocol.records import Principal


class Decision(NamedTuple):
    """Permission for one request: the grant that decided, and what it decided about."""

    grant: Grant
    url: CanonicalUrl
    method: str


class NearMiss(NamedTuple):
    """A grant that did not allow a request, and in how many ways. `distance` orders them; it means nothing else.

    `changes` are lines of the grant (TOML) with which it would; none where it is about another page or server.
    """

    grant: Grant
    differences: tuple[str, ...]
    distance: int
    changes: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line: which grant, and what differs."""
        return f'grant "{self.grant.name}": {"; ".join(self.differences)}'


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is refused: whose grants count, on which page, in which kind of window."""

    origin: CanonicalUrl
    principal: Principal
    private: bool = field(kw_only=True)

    def __str__(self) -> str:
        at = shorten(self.origin.origin, 120)
        return f"the writer at {at}" if self.principal == "writer" else at

    def is_of(self, grant: Grant) -> bool:
        """Whether the grant is its own already: then it may be told of it."""
        return grant.names_page(self.origin, self.principal)

    def grant_lines(self, *lines: str) -> list[str]:
        """The lines of a grant that would be its own."""
        own = ['principal = "writer"'] if self.principal == "writer" else []
        private = ["private_windows = true"] if self.private else []
        return [*own, f'pages = ["{self.origin.origin}"]', *lines, *private]

    @property
    def writer_line(self) -> str:
        """What else the file needs; empty for a page."""
        return f', and [writer] with pages = ["{self.origin.origin}"]' if self.principal == "writer" else ""


class PolicyDeniedError(StreamError):
    """POLICY_DENIED. `message` is fit for the page that asked; `nearest` is for the administrator.

    `provider` is the one that no grant lets the page generate with.
    """

    def __init__(
        self,
        message: str,
        nearest: NearMiss | None = None,
        *,
        reason: str | None = None,
        provider: str | None = None,
    ) -> None:
        super().__init__(ErrorCode.POLICY_DENIED, message, Phase.POLICY, reason=reason)
        self.nearest = nearest
        self.provider = provider


def decide(
    grants: Sequence[Grant],
    page_origin: str,
    *,
    private: bool,
    method: str,
    url: str,
    at_console: bool = False,
    principal: Principal = "page",
) -> Decision:
    """Find the first grant, in file order, that allows this.

    `page_origin` is what the browser attests, `url` the canonical form that it gave. `private` says whether the
    page is in a private window: those match only grants that say so. `principal` is who asks there, and has its own
    grants alone.

    Raises:
        StreamError: PROTOCOL, a method or URL that no policy could allow.
        PolicyDeniedError: POLICY_DENIED, no grant allows it.
    """
    canonical = check_request(method, url)
    origin = page_at(page_origin, at_console=at_console)
    for grant in grants:
        if (
            grant.enabled
            and (grant.private_windows or not private)
            and method in grant.methods
            and grant.names_page(origin, principal)
            and grant.reaches(canonical)
        ):
            return Decision(grant, canonical, method)
    raise _denied(grants, Asker(origin, principal, private=private), method=method, url=canonical)


def page_at(page_origin: str, *, at_console: bool) -> CanonicalUrl:
    """The page that asks.

    Raises:
        PolicyDeniedError: POLICY_DENIED, no grant can be for it. That is the console too, unless we are at one: then
            a frame names a page that no browser has.
    """
    origin = parse_origin(page_origin)
    if origin is None or (origin == CONSOLE and not at_console):
        raise PolicyDeniedError(
            f'a page whose origin is "{shorten(page_origin, 80)}" can have no grant: only http and https pages can'
        )
    return origin


def check_request(method: str, url: str) -> CanonicalUrl:
    """Refuse what no policy could allow; gives the parsed URL.

    Whatever is denied afterwards may be named in a log and in suggested lines: it is a token and a canonical URL.

    Raises:
        StreamError: PROTOCOL.
    """
    if not TOKEN.fullmatch(method) or len(method) > MAX_METHOD_CHARS:
        raise StreamError(ErrorCode.PROTOCOL, f'"{shorten(method, 40)}" is not an HTTP method', Phase.POLICY)
    if method.upper() in FORBIDDEN_METHODS:
        raise StreamError(ErrorCode.PROTOCOL, f"the method {method.upper()} is forbidden", Phase.POLICY)
    return parse_canonical(url)


def methods_line(methods: Sequence[str]) -> str:
    """As it stands in a grant."""
    quoted = ", ".join(f'"{method}"' for method in methods)
    return f"methods = [{quoted}]"


def folder_of(url: CanonicalUrl) -> str:
    """The destination that a suggestion names: the URL's folder, or the whole server where no prefix holds the path."""
    folder = url.path.rpartition("/")[0] + "/"
    return url.origin + ("/" if scoped_path_hazard(folder) or scoped_path_hazard(url.path) else folder)


def _denied(grants: Sequence[Grant], asker: Asker, *, method: str, url: CanonicalUrl) -> PolicyDeniedError:
    misses = [_miss(grant, asker, method=method, url=url) for grant in grants]
    nearest = min(misses, key=lambda miss: miss.distance, default=None)
    own = min((miss for miss in misses if asker.is_of(miss.grant)), key=lambda miss: miss.distance, default=None)
    message = f"no grant of the policy allows {shorten(method, 40)} {url.display()} for {asker}"
    if own is not None:
        message += f"; nearest is {shorten(own.describe(), 300)}"
    return PolicyDeniedError(f"{message}. {_way_out(own, asker, method, url)}", nearest)


def _way_out(own: "NearMiss | None", asker: Asker, method: str, url: CanonicalUrl) -> str:
    """The rule that is missing, for the page; `policy check` has the whole lines, with what else they need."""
    if why := hopeless(method, url):
        return f"No grant could: {why}"
    if own is not None and own.changes:
        return f"The policy would need {', '.join(own.changes)} in that grant"
    wanted = asker.grant_lines(
        f'destinations = ["{folder_of(url)}"]', methods_line([method]), f'network = "{likely_network(url.host)}"'
    )
    return f"The policy would need a [[grant]] with {', '.join(wanted)}{asker.writer_line}"


# How far a difference is from being a slip: a forgotten method is near, another server is not.
_SLIP: Final = 1
_PART: Final = 3
_OTHER_PAGE: Final = 10
_OTHER_SERVER: Final = 20


def _miss(grant: Grant, asker: Asker, *, method: str, url: CanonicalUrl) -> NearMiss:
    differences = list(grant.not_for(asker.origin, asker.principal))
    distance = _OTHER_PAGE * len(differences)
    if not grant.destinations:
        differences.append("it has no destinations, and lets its pages generate only")
        distance += _OTHER_SERVER
    elif not grant.names(url):
        cost, text = min(_destination_miss(entry, url) for entry in grant.destinations)
        differences.append(text)
        distance += cost
    slips: list[tuple[str, str]] = []
    elsewhere = bool(differences)
    if grant.destinations and method not in grant.methods:
        slips.append((f"its methods are {', '.join(grant.methods)}", methods_line([*grant.methods, method])))
    if grant.destinations and not grant.has(wanted := feature_of(url.scheme)):
        named = grant.features or ()
        slips.append((f"its features are {', '.join(named)}", features_line((*named, wanted))))
    if asker.private and not grant.private_windows:
        slips.append(("it does not say private_windows = true", "private_windows = true"))
    if not grant.enabled:
        slips.append(("it says enabled = false", "enabled = true"))
    differences += [difference for difference, _ in slips]
    changes = () if elsewhere else tuple(line for _, line in slips)
    return NearMiss(grant, tuple(differences), distance + _SLIP * len(slips), changes)


def _destination_miss(entry: DestinationPattern, url: CanonicalUrl) -> tuple[int, str]:
    host = entry.origin
    if not host.matches_host(url.host):
        return _OTHER_SERVER, f"it is for another server ({entry})"
    if host.scheme != url.scheme:
        return _PART, f"it is for {host.scheme}, not {url.scheme} ({entry})"
    if host.port != url.port:
        return _PART, f"it is for port {host.port}, not {url.port} ({entry})"
    if not entry.holds_path(url.path):
        return _PART, f"the path is not under {entry.path} ({entry})"
    hazard = scoped_path_hazard(url.path)
    return _SLIP, f"the path {hazard}, which a destination with a path prefix does not accept ({entry})"


def hopeless(method: str, url: CanonicalUrl) -> str | None:
    """Why no grant could allow this; None if one could."""
    try:
        parse_method(method)
    except ValueError as error:
        if method != method.upper():
            return f'methods are case-sensitive: the page has to write "{shorten(method.upper(), 40)}"'
        return str(error)
    address = parse_address(url.host)
    if address is not None and classify(address) is AddressClass.REFUSED:
        return "no grant can open that address (link-local, metadata, multicast, reserved …)"
    return None


def likely_network(host: str) -> Network:
    """What the name or address looks like. The address guard judges what it resolves to."""
    reached: tuple[Network, ...] = ("public", "private", "loopback")
    return next((network for network in reached if out_of_reach(host, network) is None), "public")
