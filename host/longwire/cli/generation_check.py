"""`longwire policy check --generate`: whether a page may generate, and why."""

from typing import Any

from longwire.cli.release_command import known_suspensions, to_json
from longwire.console.check_words import notes, say_denied, say_notes, secret_fix, silenced
from longwire.console.output import say, say_json, say_marked
from longwire.console.policy_screen import file_of
from longwire.console.provider_screen import input_bound, limits_line, provider_json, shown_url
from longwire.engine.judging import Judge
from longwire.policy import GenerationDecision, Policy, PolicyDeniedError
from longwire.policy.generation_decision import deciding
from longwire.policy.generation_proposals import propose_generation
from longwire.policy.proposals import Asking
from longwire.policy.urls import parse_origin
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.records import Page, PolicyState


def check_generation(policy: Policy, asking: Page, provider: str, model: str | None, *, as_json: bool) -> bool:
    """Print the answer; whether it is yes."""
    judgement = Judge(policy, known_suspensions()).judge_generation(asking, provider, model)
    decision, refused = judgement.decision, judgement.error
    if decision is None:
        assert refused is not None  # noqa: S101  (one of the two is there)
        (say_json if as_json else _say_denial)(_denial(policy, refused, asking, provider))
    elif as_json:
        say_json(_answer(policy, decision, refused, asking))
    elif refused is None:
        _say_permission(policy, decision)
    else:
        _say_obstacle(policy, decision, _answer(policy, decision, refused, asking))
    return refused is None


def _answer(policy: Policy, decision: GenerationDecision, refused: StreamError | None, asking: Page) -> dict[str, Any]:
    grant, provider = decision.grant, decision.provider
    prices = provider.prices_of(decision.model)
    answer: dict[str, Any] = {
        "allowed": refused is None,
        "provider": provider_json(provider, file_of(policy, provider)),
        "model": decision.model,
        "prices": prices and {"input": str(prices.input), "output": str(prices.output)},
        "grant": grant.name,
        "file": str(file_of(policy, grant)),
        "line": grant.line,
        "entry": decision.entry,
        "notes": _notes(policy, decision),
    }
    if refused is None:
        return answer
    answer |= {"code": refused.code, "message": refused.reason, "fix": secret_fix(refused)}
    page, secret = parse_origin(asking.origin), provider.secret
    if refused.code is ErrorCode.SECRET_REFLECTED and page is not None and secret is not None:
        found = known_suspensions().standing_against(policy, [secret], page, asking.asks_as)
        if found is not None:
            answer |= {"message": f"{found.describe()}: the server sent it back", "suspended": to_json(found)}
    return answer


def _notes(policy: Policy, decision: GenerationDecision) -> list[str]:
    return notes(policy, decision.grant.reaching(decision.provider), decision.provider.base_url)


def _say_permission(policy: Policy, decision: GenerationDecision) -> None:
    provider = decision.provider
    say_marked("allowed", f'generate with "{provider.name}", model {decision.model}', "bold green")
    _say_places(policy, decision)
    say(f"address    {shown_url(provider)}, which must be {provider.network}")
    if provider.proxy:
        say(f"proxy      {provider.proxy}, which resolves the name: what it leads to is not checked here")
    say(f"key        {provider.secret.describe() if provider.secret else 'none'}")
    say(f"input      {input_bound(provider)}")
    say(f"prices     {provider.prices_of(decision.model) or 'none'}")
    say(f"limits     {limits_line(provider)}")
    say_notes(_notes(policy, decision))


def _say_places(policy: Policy, decision: GenerationDecision) -> None:
    grant, provider = decision.grant, decision.provider
    say(f'grant      "{grant.name}", {file_of(policy, grant)} line {grant.line}, by its page {decision.entry}')
    say(f'provider   "{provider.name}" ({provider.kind}), {file_of(policy, provider)} line {provider.line}')


def _say_obstacle(policy: Policy, decision: GenerationDecision, answer: dict[str, Any]) -> None:
    say_marked("denied", answer["message"], "bold red")
    _say_places(policy, decision)
    if "suspended" in answer:
        say(f"release    {answer['suspended']['release']}")
    if answer["fix"]:
        say(f"fix        {answer['fix']}")
    say_notes(answer["notes"])


def _denial(policy: Policy, error: StreamError, asking: Page, provider: str) -> dict[str, Any]:
    nearest = error.nearest if isinstance(error, PolicyDeniedError) else None
    page, principal = parse_origin(asking.origin), asking.asks_as
    usable = policy.state is PolicyState.OK and policy.switched_off is None
    wished = Asking(page, principal, asking.private) if usable and page else None
    proposal = propose_generation(policy, wished, [provider]) if wished else None
    decided = wished and deciding(
        policy.in_force, wished.origin, private=asking.private, provider=provider, principal=principal
    )
    unknown = usable and all(each.name != provider for each in policy.providers)
    return {
        "allowed": False,
        # A grant is there for page and provider, and it is the model that is not.
        "decided": bool(decided),
        "code": error.code,
        "message": policy.problem or error.reason,
        "notes": [*([_known(policy, provider)] if unknown else []), *silenced(policy)],
        "nearest": nearest
        and {
            "grant": nearest.grant.name,
            "file": str(file_of(policy, nearest.grant)),
            "line": nearest.grant.line,
            "differences": nearest.differences,
            "changes": proposal.lines if proposal and proposal.grant is not None else (),
        },
        "suggestion": proposal.text if proposal and proposal.grant is None else None,
        "put_into": proposal and proposal.file and str(proposal.file),
    }


def _known(policy: Policy, provider: str) -> str:
    """That nobody knows such a provider, and whom one could have meant."""
    others = ", ".join(dict.fromkeys(each.name for each in policy.providers))
    known = f"the providers are {others}" if others else "there is none"
    return f'no [[provider]] is named "{provider}": {known}; `longwire docs policy` has an example'


def _say_denial(denial: dict[str, Any]) -> None:
    nearest = denial["nearest"]
    if not denial["decided"]:
        say_denied(denial, denial["message"] if nearest is None else "no grant allows it")
        return
    say_marked("denied", denial["message"], "bold red")
    say(f'grant      "{nearest["grant"]}", {nearest["file"]} line {nearest["line"]}')
    say_notes(denial["notes"])
