"""A loaded policy: immutable, and the only thing the rest of the host asks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from longwire.policy.decision import Decision, PolicyDeniedError, check_request, decide, page_at
from longwire.policy.generation_decision import GenerationDecision, decide_generation, providers_of
from longwire.policy.grants import Grant, WriterPages
from longwire.policy.problems import Problem
from longwire.policy.providers import Provider
from longwire.policy.secrets import SecretSource
from longwire.policy.urls import CONSOLE, CanonicalUrl, parse_origin, shorten
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from longwire.protocol.records import Page, PolicyState, PolicySummary, Principal

# What PolicySummary.pages and Status.destinations hold.
_MAX_LISTED: Final = 4096


class PolicyFinding(NamedTuple):
    """A problem or a warning, and the file it is about."""

    path: Path
    finding: Problem

    def __str__(self) -> str:
        return f"{self.path}: {self.finding}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the files said when they were last read.

    `files` are those that took part. `digest` is short, and changes whenever their contents do. With `state` other
    than OK there are no grants, so everything is refused. `secrets` are all that the
    files define, used or not. `switched_off` is the first file that says
    `enabled = false` for all: its grants are known, and none of them is in force. `unread` says that a file that takes
    part was not read yet or could not be, which is tried again: the same request may be allowed in a moment.
    `administrator` is the administrator's file if it takes part, `silenced` the user's file where that one alone
    decides. `providers` are all that the files define, used or not; `writer` is the `[writer]` of each file that
    has one. `at_console`: whoever asks is a person at a console, whose page is `longwire:terminal`; else nobody is,
    whatever a browser says.
    """

    state: PolicyState
    digest: str
    files: tuple[Path, ...] = ()
    grants: tuple[Grant, ...] = ()
    problems: tuple[PolicyFinding, ...] = ()
    warnings: tuple[PolicyFinding, ...] = ()
    secrets: tuple[SecretSource, ...] = ()
    switched_off: Path | None = None
    unread: bool = False
    administrator: Path | None = None
    silenced: Path | None = None
    providers: tuple[Provider, ...] = ()
    at_console: bool = False
    writer: tuple[WriterPages, ...] = ()

    @property
    def identity(self) -> tuple[object, ...]:
        """Two policies with equal identities decide alike and say the same."""
        return (self.state, self.digest, self.files, self.problems, self.unread, self.silenced)

    @property
    def problem(self) -> str | None:
        """For people: the first thing that is wrong, with its file, and how many more there are."""
        if not self.problems:
            return None
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return shorten(str(self.problems[0]), MAX_MESSAGE_CHARS - len(more)) + more

    @property
    def in_force(self) -> tuple[Grant, ...]:
        """The grants that can decide something: none that is switched off, by itself or with all others."""
        return () if self.switched_off else tuple(grant for grant in self.grants if grant.enabled)

    def summary(self) -> PolicySummary:
        """What the extension may know. `pages` are canonical patterns: lower case, ASCII, no default port.

        The terminal is not among them: no browser could have it. Nor are the writer's: its grants bring no shim into a
        page. `writer` are those entries of a `[writer]` that share a page with a grant of the same file.
        """
        in_force = self.in_force
        pages = dict.fromkeys(
            str(page) for grant in in_force if grant.principal == "page" for page in grant.pages if not page.is_console
        )
        writer = dict.fromkeys(
            str(page)
            for grant in in_force
            if grant.principal == "writer"
            for page in grant.writer_pages
            if any(page.origin.overlaps(other.origin) for other in grant.pages)
        )
        return PolicySummary(
            state=self.state,
            digest=self.digest,
            pages=list(pages)[:_MAX_LISTED],
            problem=self.problem,
            silenced=None if self.silenced is None else shorten(str(self.silenced), MAX_MESSAGE_CHARS),
            writer=list(writer)[:_MAX_LISTED] or None,
        )

    def decide(self, page: Page, method: str, url: str) -> Decision:
        """Judge one request or one redirect hop. `url` is canonical, as every URL in a frame.

        Raises:
            StreamError: POLICY_INVALID, the files cannot be used; PROTOCOL, a method or URL that no policy could
                allow. PolicyDeniedError: POLICY_DENIED, there is no policy, or no grant of it allows this.
        """
        self._check_usable()
        if self.state is PolicyState.MISSING or self.switched_off is not None:
            check_request(method, url)
        self._check_open()
        return decide(
            self.grants,
            page.origin,
            private=page.private,
            method=method,
            url=url,
            at_console=self.at_console,
            principal=page.asks_as,
        )

    def decide_generation(self, page: Page, provider: str, model: str | None = None) -> GenerationDecision:
        """Judge one generation, or one attempt of it: `provider` and `model` as the page named them.

        Raises:
            StreamError: POLICY_INVALID, the files cannot be used. PolicyDeniedError: POLICY_DENIED, there is no
                policy, no grant lets this page generate with that provider, or the provider does not have the model.
        """
        self._check_usable()
        self._check_open()
        origin = page_at(page.origin, at_console=self.at_console)
        return decide_generation(
            self.grants, origin, private=page.private, provider=provider, model=model, principal=page.asks_as
        )

    def _check_usable(self) -> None:
        if self.state is PolicyState.INVALID:
            # The page learns line and field, which name nothing of value, but not where this user's files lie.
            first = self.problems[0].finding
            shown = first if first.line else "`longwire policy show` says why"
            closed = "the policy file cannot be used, so nothing is open"
            raise StreamError(
                ErrorCode.POLICY_INVALID,
                f"{closed}: {shown}",
                Phase.POLICY,
                reason=f"{closed}: {first}",
                retryable=self.unread,
            )

    def _check_open(self) -> None:
        if self.state is PolicyState.MISSING:
            raise PolicyDeniedError(
                "there is no policy file, so nothing is open; `longwire policy show` says where it belongs"
            )
        if self.switched_off is not None:
            raise PolicyDeniedError(self._switched_off(), reason=self._switched_off(named=True))

    def closed_to(self, origin: str, *, private: bool = False, principal: Principal = "page") -> str | None:
        """Why a page can reach nothing although grants name it, in words for that page; None if no grant names it.

        `principal` is who asks there, here and below: nobody is told of another's grants.
        """
        if self.switched_off is not None:
            return self._switched_off()
        parsed = self._asker(origin)
        named = [grant for grant in self.grants if parsed is not None and grant.names_page(parsed, principal)]
        reached = self.destinations_for(origin, private=private, principal=principal) or self.providers_for(
            origin, private=private, principal=principal
        )
        if not named or reached:
            return None
        first = next((grant for grant in named if grant.enabled), named[0])
        if not first.enabled:
            return f'the grant "{first.name}" names this page, and says enabled = false'
        if first.features is not None and not (first.open_destinations or first.open_providers):
            return f'the grant "{first.name}" names this page, and its features leave nothing of it open'
        return (
            f'the grant "{first.name}" names this page, but not in private windows: private_windows = true in it would'
        )

    def _switched_off(self, *, named: bool = False) -> str:
        """`named` tells where the file lies, which no page should know."""
        whose = (
            "the administrator's policy file" if self.switched_off == self.administrator else "the user's policy file"
        )
        where = f" {self.switched_off}" if named else ""
        return f"Longwire is switched off: {whose}{where} says enabled = false for all grants"

    def destinations_for(self, origin: str, *, private: bool = False, principal: Principal = "page") -> list[str]:
        """Destination patterns of the enabled grants that name this page origin, in file order.

        `private` says whether the page is in a private window: those count only grants that say so.
        """
        parsed = self._asker(origin)
        if parsed is None:
            return []
        found = dict.fromkeys(
            str(destination)
            for grant in self.in_force
            if (grant.private_windows or not private) and grant.names_page(parsed, principal)
            for destination in grant.open_destinations
        )
        return list(found)[:_MAX_LISTED]

    def providers_for(
        self, origin: str, *, private: bool = False, principal: Principal = "page"
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Providers that the enabled grants let this page origin generate with, and their models, in file order."""
        found = self.generation_grants(origin, private=private, principal=principal)
        return [(provider.name, provider.models) for _, provider in found]

    def generation_grants(
        self, origin: str, *, private: bool = False, principal: Principal = "page"
    ) -> list[tuple[Grant, Provider]]:
        """The same providers, each with the grant that decides about it."""
        parsed = self._asker(origin)
        if parsed is None:
            return []
        return list(providers_of(self.in_force, parsed, private=private, principal=principal))

    def _asker(self, origin: str) -> CanonicalUrl | None:
        """The page, or None for what can have no grant."""
        parsed = parse_origin(origin)
        return None if parsed == CONSOLE and not self.at_console else parsed
