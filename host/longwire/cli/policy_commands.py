"""`longwire policy check`, `show`, `validate`, `schema`, `suggest`; `budgets` and `release` have files of their own."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from longwire.audit.files import log_folder
from longwire.audit.reader import LogReader
from longwire.cli.budget_command import budgets
from longwire.cli.generation_check import check_generation
from longwire.cli.release_command import known_suspensions, release, to_json
from longwire.cli.switch_command import off, on
from longwire.console.check_words import notes, say_denied, say_notes, secret_fix, silenced
from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import complain, say, say_json, say_marked
from longwire.console.policy_screen import file_of, say_policy
from longwire.console.provider_screen import provider_json
from longwire.engine.judging import Judge
from longwire.engine.validation import validated
from longwire.policy import Decision, Grant, Policy, PolicyDeniedError, PolicyStore, Suspension
from longwire.policy.decision import hopeless
from longwire.policy.grants import WriterPages
from longwire.policy.loading import PolicyDocument
from longwire.policy.model import policy_json_schema
from longwire.policy.proposals import Asking, propose
from longwire.policy.suggestions import suggest
from longwire.policy.urls import CONSOLE, parse_lenient, parse_origin
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import Page, PolicyState

app = typer.Typer(help="What the policy allows, and what is wrong with it.", no_args_is_help=True)
app.command()(release)
app.command()(budgets)
app.command()(off)
app.command()(on)

JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]

_FINDING: Final = 1
# Fetch standard, "normalize a method". Not PATCH: a page's `patch` is sent as it is.
_WRITTEN_BY_FETCH: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})


@app.command()
def check(
    page: Annotated[
        str, typer.Option(metavar="ORIGIN", help="The page's origin: https://chat.example.com, or longwire:terminal")
    ],
    *,
    url: Annotated[str | None, typer.Option(metavar="URL", help="What it asks for.")] = None,
    method: Annotated[str, typer.Option(metavar="METHOD", help="By which method.")] = "GET",
    generate: Annotated[
        str | None, typer.Option(metavar="PROVIDER", help="Instead of --url: whom it generates with.")
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="With --generate: which of its models.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Ask for a private window.")] = False,
    writer: Annotated[
        bool, typer.Option("--writer", help="Ask for the writer on that page, not for the page.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say whether a page may send a request, or generate, and why.

    With --writer, the writer on that page. Names the grant that allows it, or what is missing. Exit code 1: it may not.
    """
    if (url is None) == (generate is None):
        raise MisuseError("one of --url and --generate is needed", "write --url https://… or --generate PROVIDER")
    policy = replace(PolicyStore().current(), at_console=True)
    asking = _page(page, private=private, writer=writer)
    if generate is not None:
        allowed = check_generation(policy, asking, generate, model, as_json=as_json)
    else:
        assert url is not None  # noqa: S101  (one of the two is there)
        allowed = _check_request(policy, asking, method, url, as_json=as_json)
    if not allowed:
        raise typer.Exit(_FINDING)


def _page(text: str, *, private: bool, writer: bool) -> Page:
    origin = text
    if text != CONSOLE.origin:
        try:
            origin = parse_lenient(text).origin
        except StreamError as error:
            raise MisuseError(error.text, "write --page https://host[:port], or --page longwire:terminal") from None
    elif writer:
        raise MisuseError("there is no writer at a terminal", "write --page https://host[:port], or leave --writer out")
    return Page(origin=origin, tab=0, frame=0, document="", private=private, principal="writer" if writer else None)


def _check_request(policy: Policy, asking: Page, method: str, url: str, *, as_json: bool) -> bool:
    method = method.upper() if method.upper() in _WRITTEN_BY_FETCH else method
    if asking.origin == CONSOLE.origin:
        raise MisuseError("a terminal sends no requests of its own, it generates", "write --generate PROVIDER")
    try:
        target = parse_lenient(url).href
    except StreamError as error:
        raise MisuseError(error.text, "write --page https://host[:port] and --url with an absolute URL") from None
    judgement = Judge(policy, known_suspensions()).judge(asking, method, target)
    decision, refused = judgement.decision, judgement.error
    if decision is None:
        assert refused is not None  # noqa: S101  (one of the two is there)
        if refused.code is ErrorCode.PROTOCOL:
            raise MisuseError(refused.text, "ask for a method that a page can send")
        (say_json if as_json else _say_denial)(_denial(policy, refused, asking, (method, target)))
    elif refused is None:
        (say_json if as_json else _say_permission)(_permission(policy, decision))
    elif refused.code is ErrorCode.SECRET_REFLECTED and (suspended := _suspended(policy, decision, asking)):
        (say_json if as_json else _say_suspension)(_suspension(policy, decision, suspended))
    else:
        (say_json if as_json else _say_obstacle)(_obstacle(policy, decision, refused))
    return refused is None


@app.command()
def show(as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Show the policy that decides now, and the files it comes from. Exit code 1: it cannot be used."""
    store = PolicyStore()
    policy = store.current()
    suspensions = known_suspensions()
    if as_json:
        say_json(
            {
                "state": policy.state,
                "digest": policy.digest,
                "enabled": policy.switched_off is None,
                "files": [str(path) for path in policy.files],
                "silenced": policy.silenced and str(policy.silenced),
                "problems": [str(problem) for problem in policy.problems],
                "warnings": [str(warning) for warning in policy.warnings],
                "grants": [_grant_json(grant, file_of(policy, grant)) for grant in policy.grants],
                "providers": [provider_json(provider, file_of(policy, provider)) for provider in policy.providers],
                "writer": [_writer_json(each, file_of(policy, each)) for each in policy.writer],
                "suspended": [to_json(each) for each, _ in suspensions.in_force(policy)],
            }
        )
    else:
        say_policy(policy, store, suspensions)
    if policy.state is PolicyState.INVALID:
        raise typer.Exit(_FINDING)


@app.command()
def validate(
    file: Annotated[Path | None, typer.Argument(help="A policy file, wherever it lies; else what is in force.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Check the policy file in force, or one that you name.

    Exit code 1: it could not be used.
    """
    if file is None:
        documents = [validated(path) for path in _in_force().files]
    elif not file.is_file():
        raise MisuseError(f"there is no file {file}", "name a policy file, or none for the one in force")
    else:
        documents = [validated(file)]
    problems = [(document.path, problem) for document in documents for problem in document.problems]
    warnings = [(document.path, warning) for document in documents for warning in document.warnings]
    if as_json:
        say_json(
            {
                "valid": not problems,
                "files": [str(document.path) for document in documents],
                "problems": [{**asdict(problem), "file": str(path)} for path, problem in problems],
                "warnings": [{**asdict(warning), "file": str(path)} for path, warning in warnings],
                "works": not problems and not any(warning.blocks for _, warning in warnings),
            }
        )
    else:
        for document in documents:
            _say_validation(document)
    if problems:
        raise typer.Exit(_FINDING)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    say_json(policy_json_schema())


@app.command("suggest")
def suggest_grants(as_json: JsonOption = False) -> None:  # noqa: FBT002
    """Print the grants that recent refusals would have needed.

    They are taken from the log, and are wishes of pages: read each one.
    """
    events = [event.fields for event in LogReader(log_folder()).read()]
    suggestions = suggest(events, PolicyStore().current())
    if as_json:
        say_json([asdict(suggestion) for suggestion in suggestions])
        return
    if not suggestions:
        complain("the log has no refusal that the policy of now would repeat: nothing to suggest")
    for suggestion in suggestions:
        times = "once" if suggestion.count == 1 else f"{suggestion.count} times"
        say(f"# asked {times}, last at {suggestion.last}")
        say(f"{suggestion.text}\n")


def _permission(policy: Policy, decision: Decision) -> dict[str, Any]:
    grant = decision.grant
    return {
        "allowed": True,
        "method": decision.method,
        "url": decision.url.href,
        "grant": grant.name,
        "file": str(file_of(policy, grant)),
        "line": grant.line,
        "network": grant.network,
        "features": grant.features,
        "proxy": grant.proxy and str(grant.proxy),
        "inject": [name for name, _ in grant.inject],
        "notes": notes(policy, grant, decision.url),
    }


def _obstacle(policy: Policy, decision: Decision, error: StreamError) -> dict[str, Any]:
    return {
        **_permission(policy, decision),
        "allowed": False,
        "code": error.code,
        "message": error.reason,
        "fix": secret_fix(error),
    }


def _say_obstacle(obstacle: dict[str, Any]) -> None:
    say_marked("denied", obstacle["message"], "bold red")
    say(f'grant      "{obstacle["grant"]}", {obstacle["file"]} line {obstacle["line"]}: it allows the request itself')
    if obstacle["fix"]:
        say(f"fix        {obstacle['fix']}")
    say_notes(obstacle["notes"])


def _say_permission(permission: dict[str, Any]) -> None:
    say_marked("allowed", f"{permission['method']} {permission['url']}", "bold green")
    say(f'grant      "{permission["grant"]}", {permission["file"]} line {permission["line"]}')
    say(f"network    the address must be {permission['network']}")
    if permission["proxy"]:
        say(f"proxy      {permission['proxy']}, which resolves the name: what it leads to is not checked here")
    say(f"injected   {', '.join(permission['inject']) or 'nothing'}")
    if permission["features"] is not None:
        say(f"features   {', '.join(permission['features'])}: what else there is, this grant does not open")
    say_notes(permission["notes"])


def _suspended(policy: Policy, decision: Decision, asking: Page) -> Suspension | None:
    page = parse_origin(asking.origin)
    if page is None:
        return None
    return known_suspensions().standing_against(policy, decision.grant.secrets, page, asking.asks_as)


def _suspension(policy: Policy, decision: Decision, suspension: Suspension) -> dict[str, Any]:
    return {
        **_permission(policy, decision),
        "allowed": False,
        "code": ErrorCode.SECRET_REFLECTED,
        "message": suspension.describe(),
        "suspended": to_json(suspension),
    }


def _say_suspension(suspension: dict[str, Any]) -> None:
    say_marked("denied", f"{suspension['message']}: the server sent it back", "bold red")
    say(f'grant      "{suspension["grant"]}", {suspension["file"]} line {suspension["line"]}')
    say(f"release    {suspension['suspended']['release']}")


def _denial(policy: Policy, error: StreamError, asking: Page, wanted: tuple[str, str]) -> dict[str, Any]:
    nearest = error.nearest if isinstance(error, PolicyDeniedError) else None
    page, method, url = parse_origin(asking.origin), wanted[0], parse_lenient(wanted[1])
    # Where the files cannot be used or say nothing at all, lines are not what is missing.
    open_at_all = policy.state is PolicyState.OK and policy.switched_off is None and page is not None
    wished = Asking(page, asking.asks_as, asking.private) if open_at_all and page else None
    proposal = propose(policy, wished, [(method, url)]) if wished else None
    return {
        "allowed": False,
        "code": error.code,
        "message": policy.problem or error.reason,
        "notes": silenced(policy),
        "nearest": nearest
        and {
            "grant": nearest.grant.name,
            "file": str(file_of(policy, nearest.grant)),
            "line": nearest.grant.line,
            "differences": nearest.differences,
            "changes": proposal.lines if proposal and proposal.grant is nearest.grant else (),
        },
        "hopeless": hopeless(method, url) if open_at_all else None,
        "suggestion": proposal.text if proposal and proposal.grant is None else None,
        "put_into": proposal and proposal.file and str(proposal.file),
    }


def _say_denial(denial: dict[str, Any]) -> None:
    if denial["nearest"] is None and denial["suggestion"] is None:
        say_marked("denied", denial["message"], "bold red")
        say_notes(denial["notes"])
    else:
        say_denied(denial, "no grant allows it", denial["hopeless"] or "")


def _grant_json(grant: Grant, file: Path) -> dict[str, Any]:
    return {
        "name": grant.name,
        "enabled": grant.enabled,
        "principal": grant.principal,
        "pages": [str(page) for page in grant.pages],
        "destinations": [str(destination) for destination in grant.destinations],
        "methods": grant.methods,
        "generate": [provider.name for provider in grant.generate],
        "network": grant.network,
        "inject": [name for name, _ in grant.inject],
        "secrets": [source.describe() for source in grant.secrets],
        "private_windows": grant.private_windows,
        "request_headers": grant.request_headers,
        "response_headers": grant.response_headers,
        "reflection_guard": grant.reflection_guard,
        "ranges": grant.ranges,
        "proxy": grant.proxy and str(grant.proxy),
        "ca_file": grant.ca_file,
        "durable": grant.durable and asdict(grant.durable),
        "features": grant.features,
        "limits": asdict(grant.limits),
        "source": grant.source,
        "file": str(file),
        "line": grant.line,
    }


def _writer_json(writer: WriterPages, file: Path) -> dict[str, Any]:
    return {
        "pages": [str(page) for page in writer.pages],
        "source": writer.source,
        "file": str(file),
        "line": writer.line,
    }


def _in_force() -> Policy:
    store = PolicyStore()
    policy = store.current()
    if policy.state is PolicyState.MISSING:
        raise CommandError(
            "there is no policy file, so nothing is open",
            f"write {store.locations.user}, or name a file that lies elsewhere",
        )
    return policy


def _say_validation(document: PolicyDocument) -> None:
    for problem in document.problems:
        say_marked("problem", f"{document.path}: {problem}", "bold red")
    for warning in document.warnings:
        say_marked("warning", f"{document.path}: {warning}", "yellow")
    if not document.problems:
        blocked = any(warning.blocks for warning in document.warnings)
        but = ", but not all of it works: see the warnings" if blocked else ""
        say_marked(
            "valid", f"{document.path} (grants: {len(document.grants)}){but}", "yellow" if blocked else "bold green"
        )
