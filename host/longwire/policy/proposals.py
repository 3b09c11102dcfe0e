"""Lines of a policy file that would allow what was refused. Each proposal is tried before anybody sees it.

A grant for the same page and server is taken as the model: its network, proxy, `ca_file` and what it injects are kept.
Of a grant for other pages no secret is taken over: a person says which pages may use one.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from longwire.policy.decision import Decision, decide, folder_of, hopeless, likely_network, methods_line
from longwire.policy.doubts import out_of_reach
from longwire.policy.features import feature_of, features_line
from longwire.policy.grants import Grant, WriterPages
from longwire.policy.loading import parse_policy
from longwire.policy.locations import Source
from longwire.policy.matching import PagePattern
from longwire.policy.policy import Policy
from longwire.policy.templates import ValueTemplate
from longwire.policy.urls import CanonicalUrl
from longwire.protocol.errors import StreamError
from longwire.protocol.records import Principal

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

Wanted = Sequence[tuple[str, CanonicalUrl]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`lines` are a whole `[[grant]]`, or with a `grant` the lines to replace in it. `file` is where they belong."""

    lines: tuple[str, ...]
    file: Path | None = None
    grant: Grant | None = None

    @property
    def text(self) -> str:
        """As it is pasted."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a proposal is for: who asks on which page, in which kind of window."""

    origin: CanonicalUrl
    principal: Principal = "page"
    private: bool = False

    def is_of(self, grant: Grant) -> bool:
        """Whether the grant is theirs already."""
        return grant.names_page(self.origin, self.principal)

    @property
    def grant_lines(self) -> list[str]:
        """What makes a grant theirs."""
        own = ['principal = "writer"'] if self.principal == "writer" else []
        return [*own, f'pages = ["{self.origin.origin}"]']

    @property
    def writer_table(self) -> str:
        """What has to stand beside such a grant, so that it is theirs; empty for a page."""
        return f'[writer]\npages = ["{self.origin.origin}"]' if self.principal == "writer" else ""


def asking_of(event: Mapping[str, Any], origin: CanonicalUrl) -> Asking:
    """Who was refused, by a line of the log."""
    return Asking(origin, "writer" if event.get("principal") == "writer" else "page")


def propose(policy: Policy, asking: Asking, wanted: Wanted) -> Proposal | None:
    """What would allow all that they want of one server; None if no lines would."""
    if not wanted or any(hopeless(method, url) for method, url in wanted):
        return None
    return (
        _change(policy, asking, wanted)
        or named_for_the_writer(policy, asking, lambda grants: _allows(grants, asking, wanted))
        or _new_grant(policy, asking, wanted)
    )


def named_for_the_writer(
    policy: Policy, asking: Asking, allows: Callable[[tuple[Grant, ...]], bool]
) -> Proposal | None:
    """Lines of a `[writer]`, where nothing is missing but that it names the page."""
    if asking.principal != "writer":
        return None
    page = PagePattern.parse(asking.origin.origin)
    for source in dict.fromkeys(grant.source for grant in policy.grants):
        changed = tuple(
            replace(grant, writer_pages=(*grant.writer_pages, page))
            if grant.principal == "writer" and grant.source == source
            else grant
            for grant in policy.grants
        )
        if allows(changed):
            return Proposal(tuple(writer_lines(policy, page, source)), _file_of(policy, source))
    return None


def writer_lines(policy: Policy, page: PagePattern, source: Source) -> list[str]:
    """The `[writer]` of that file as it has to be for this page; nothing, if it is so already."""
    pages = next((each.pages for each in policy.writer if each.source == source), ())
    if any(page.origin.overlaps(each.origin) for each in pages):
        return []
    return ["[writer]", f"pages = [{', '.join(json.dumps(str(each)) for each in (*pages, page))}]"]


def _change(policy: Policy, asking: Asking, wanted: Wanted) -> Proposal | None:
    """Lines of a grant that is for this page and these URLs already."""
    private = asking.private
    for grant in policy.grants:
        if not asking.is_of(grant) or not all(grant.names(url) for _, url in wanted):
            continue
        methods = tuple(dict.fromkeys([*grant.methods, *(method for method, _ in wanted)]))
        lines = [methods_line(methods)] if methods != grant.methods else []
        features = grant.features and (*grant.features, *(feature_of(url.scheme) for _, url in wanted))
        if features and set(features) != set(grant.features or ()):
            lines.append(features_line(features))
        lines += ["private_windows = true"] if private and not grant.private_windows else []
        lines += ["enabled = true"] if not grant.enabled else []
        changed = replace(
            grant,
            methods=methods,
            features=features,
            enabled=True,
            private_windows=grant.private_windows or (private and bool(lines)),
        )
        others = tuple(changed if each is grant else each for each in policy.grants)
        if lines and _allows(others, asking, wanted):
            return Proposal(tuple(lines), _file_of(policy, grant.source), grant)
    return None


def _new_grant(policy: Policy, asking: Asking, wanted: Wanted) -> Proposal | None:
    url = wanted[0][1]
    like = _neighbour(policy, asking, url)
    own = like is not None and asking.is_of(like)
    source = like.source if like is not None and own else _own_source(policy)
    network = (
        like.network if like is not None and out_of_reach(url.host, like.network) is None else likely_network(url.host)
    )
    lines = [
        "[[grant]]",
        f'name = "{_free_name(policy, url)}"',
        *asking.grant_lines,
        f"destinations = [{', '.join(f'{json.dumps(each)}' for each in _folders(wanted))}]",
        methods_line(list(dict.fromkeys(method for method, _ in wanted))),
        f'network = "{network}"',
    ]
    if asking.private:
        lines.append("private_windows = true")
    if like is not None:
        lines += _carried(like, own=own)
    added = _parsed("\n".join(lines), asking, like, source)
    if added is None or not _allows((*policy.grants, *added), asking, wanted):
        return None
    return Proposal((*lines, *beside_grant(policy, asking, source)), _file_of(policy, source))


def beside_grant(policy: Policy, asking: Asking, source: Source) -> list[str]:
    """What the file needs beside a new grant."""
    if asking.principal == "page":
        return []
    lines = writer_lines(policy, PagePattern.parse(asking.origin.origin), source)
    return ["", *lines] if lines else []


def _neighbour(policy: Policy, asking: Asking, url: CanonicalUrl) -> Grant | None:
    """A grant for the same server, this page's own before those of others, those in force before the rest."""
    there = [
        grant for grant in policy.grants if any(destination.origin.matches(url) for destination in grant.destinations)
    ]
    return min(there, key=lambda grant: (not asking.is_of(grant), not grant.enabled), default=None)


def _carried(like: Grant, *, own: bool) -> list[str]:
    lines = [f'proxy = "{like.proxy}"'] if like.proxy is not None else []
    lines += [f"ca_file = {json.dumps(like.ca_file, ensure_ascii=False)}"] if like.ca_file is not None else []
    # What names no secret may itself be one.
    injected = [(name, template) for name, template in like.inject if template.secrets]
    if injected and own:
        fields = ", ".join(f"{_key(name)} = {_template(template)}" for name, template in injected)
        lines.append(f"inject = {{ {fields} }}")
    elif injected:
        whose = "the writer" if like.principal == "writer" else "other pages"
        lines.append(f'# the grant "{like.name}" injects a secret there, for {whose}')
    if len(injected) < len(like.inject):
        lines.append(f'# and see what else the grant "{like.name}" injects')
    return lines


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)


def _template(template: ValueTemplate) -> str:
    parts = [template.literals[0]]
    for secret, literal in zip(template.secrets, template.literals[1:], strict=True):
        parts += (f"{{secret:{secret}}}", literal)
    return json.dumps("".join(parts))


def _folders(wanted: Wanted) -> list[str]:
    """What a grant has to name for all of them, none below another."""
    folders = sorted({folder_of(url) for _, url in wanted})
    return [each for each in folders if not any(each != other and each.startswith(other) for other in folders)]


def _free_name(policy: Policy, url: CanonicalUrl) -> str:
    """A name that no grant has: two grants of one name would close the whole policy."""
    taken = {grant.name for grant in policy.grants}
    base = url.host.replace(":", "-")[:60]
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _own_source(policy: Policy) -> Source:
    return (
        "administrator" if policy.administrator is not None and policy.files[-1:] == (policy.administrator,) else "user"
    )


def _file_of(policy: Policy, source: Source) -> Path | None:
    if source == "administrator":
        return policy.administrator
    return policy.files[-1] if policy.files else None


def placeholder(proposal: Proposal) -> tuple[Grant, ...]:
    """A grant that takes the name of one that is proposed, and allows nothing."""
    if proposal.grant is not None:
        return ()
    ends = proposal.lines.index("") if "" in proposal.lines else None
    bare = "\n".join(line for line in proposal.lines[:ends] if not line.startswith("inject"))
    document = parse_policy(f"version = 1\n{bare}\nenabled = false\n".encode(), Path(), "user")
    return document.grants


def written(policy: Policy, proposal: Proposal, asking: Asking) -> Policy:
    """With the `[writer]` that these lines have, if they have one: there is one table of that name in a file."""
    if "[writer]" not in proposal.lines:
        return policy
    source: Source = "administrator" if proposal.file == policy.administrator else "user"
    before = next((each for each in policy.writer if each.source == source), WriterPages((), source))
    after = replace(before, pages=(*before.pages, PagePattern.parse(asking.origin.origin)))
    return replace(policy, writer=(*(each for each in policy.writer if each is not before), after))


def _parsed(grant: str, asking: Asking, like: Grant | None, source: Source) -> tuple[Grant, ...] | None:
    """The grants that these lines make where the secrets are defined, and the writer is on the page; None if none."""
    secrets = "".join(f'[secret.{each.name}]\nenv = "X"\n' for each in (like.secrets if like is not None else ()))
    text = f"version = 1\n{grant}\n{secrets}{asking.writer_table}\n"
    return parse_policy(text.encode(), Path(), source).grants or None


def _allows(grants: tuple[Grant, ...], asking: Asking, wanted: Wanted) -> bool:
    """Whether all of it goes through, to the addresses that it names."""
    return all(_decided(grants, asking, method, url) for method, url in wanted)


def _decided(grants: tuple[Grant, ...], asking: Asking, method: str, url: CanonicalUrl) -> bool:
    try:
        decision: Decision = decide(
            grants,
            asking.origin.origin,
            private=asking.private,
            method=method,
            url=url.href,
            principal=asking.principal,
        )
    except StreamError:
        return False
    return out_of_reach(url.host, decision.grant.network) is None
