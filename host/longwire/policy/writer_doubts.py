"""Mistakes in what a valid policy file says of the writer: grants that it never has, and pages where it has none."""

from collections.abc import Iterable, Iterator, Mapping

from longwire.policy.matching import PagePattern
from longwire.policy.model import PolicyFile
from longwire.policy.problems import Problem, problem_at
from longwire.policy.toml_lines import Location


def writer_doubts(file: PolicyFile, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """All of them. A grant is the writer's only where `[writer]` of the same file names the page too."""
    writer = () if file.writer is None else file.writer.pages
    served: list[PagePattern] = []
    for index, grant in enumerate(file.grant):
        if grant.principal != "writer":
            continue
        if grant.enabled:
            served += grant.pages
        place: Location = ("grant", index)
        if not writer:
            text = (
                'this file has no [writer] with pages, so nobody has this grant; write [writer], pages = ["https://…"]'
            )
            yield problem_at((*place, "principal"), text, lines, blocks=True)
            continue
        missing = [number for number, page in enumerate(grant.pages) if not _shares(page, writer)]
        for number in missing:
            text = "no entry of [writer] pages names such a page, so the writer is not there"
            yield problem_at((*place, "pages", number), text, lines, blocks=len(missing) == len(grant.pages))
    for number, page in enumerate(writer):
        if not _shares(page, served):
            text = 'no grant with principal = "writer" names such a page, so the writer is not there'
            yield problem_at(("writer", "pages", number), text, lines, blocks=True)


def _shares(page: PagePattern, others: Iterable[PagePattern]) -> bool:
    return any(page.origin.overlaps(other.origin) for other in others)
