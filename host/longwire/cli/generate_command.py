"""`longwire generate`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from longwire.console.errors import CommandError, MisuseError


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(generate)


def generate(
    prompt: Annotated[str, typer.Argument(help='What to ask; "-" reads it from standard input.')] = "",
    *,
    provider: Annotated[
        str, typer.Option(help="A provider of the policy; the first that you may ask by default.")
    ] = "",
    model: Annotated[str, typer.Option(help="One of the provider's models; its first by default.")] = "",
    system: Annotated[str, typer.Option(help="What the model is told first.")] = "",
    template: Annotated[str, typer.Option(help="A template of the policy's folder, in place of a prompt.")] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="A field of the template: NAME=text, or NAME=@FILE.", metavar="NAME=VALUE")
    ] = None,
    fallback: Annotated[
        list[str] | None, typer.Option(help="A provider to ask when the one before cannot; may be given again.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="How long the answer may be.", min=1)] = None,
    reasoning: Annotated[str, typer.Option(help="none, low, medium or high: how much the model thinks first.")] = "",
    stream: Annotated[bool, typer.Option(help="Whether the answer comes as it is written, or in one piece.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
) -> None:
    """Ask a language model, by the policy of this machine.

    It is asked as the page longwire:terminal, which a grant has to name: its providers, models, budgets and log lines
    are those of any page. The text goes to standard output, what is going on to standard error.
    """
    import anyio  # the engine and its clients, which no other command needs

    from longwire.at_console.answer import JsonLines, Words, show_answer
    from longwire.at_console.printing import OutputLostError
    from longwire.at_console.providers import first_provider
    from longwire.audit import log

    request: dict[str, Any] = {
        "provider": provider or first_provider(),
        "model": model,
        "system": system,
        "maxTokens": max_tokens,
        "reasoning": reasoning,
        "fallback": fallback,
        **_input(prompt, template, field or []),
    }
    asked = {name: value for name, value in request.items() if value not in ("", None)}
    _check_text(asked | {"prompt": prompt})
    log.configure(once=False)
    try:
        anyio.run(show_answer, asked | ({} if stream else {"stream": False}), JsonLines() if json else Words())
    except CommandError as error:
        if not json or isinstance(error, OutputLostError):
            raise
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        log.finish()


def _input(prompt: str, template: str, fields: list[str]) -> dict[str, Any]:
    """Either messages, or a template and its fields."""
    if template:
        if prompt:
            raise MisuseError("there are a prompt and a template", "give one of them")
        return {"template": template, "fields": dict(_field(each) for each in fields)}
    if fields:
        raise MisuseError("there are fields and no template", "name one with --template; `longwire template list`")
    text = _standard_input(asked_for=prompt == "-") if prompt in ("", "-") else prompt
    if not text.strip():
        raise MisuseError("there is nothing to ask", 'longwire generate "Why is the sky blue?"')
    return {"messages": [{"role": "user", "content": text}]}


def _standard_input(*, asked_for: bool) -> str:
    """All of it, where it is `asked_for` or comes from elsewhere than a keyboard."""
    if sys.stdin is None or (sys.stdin.isatty() and not asked_for):  # None: it was closed when the command began
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MisuseError(
            f"standard input is not UTF-8 text (byte {error.start + 1})",
            "convert it first, as in `iconv -f LATIN1 -t UTF-8`",
        ) from None


def _check_text(asked: dict[str, Any]) -> None:
    """Arguments may be any bytes; what of them is no UTF-8 comes as halves of characters."""
    texts = [*asked.values(), *asked.get("fields", {}).values()]
    if any(isinstance(text, str) and not text.isascii() and not _is_text(text) for text in texts):
        raise MisuseError("an argument is not UTF-8 text", "give it by standard input or --field NAME=@FILE, in UTF-8")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _field(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise MisuseError(f'"{text}" is no field', "write NAME=text, or NAME=@FILE")
    if not value.startswith("@"):
        return name, value
    path = Path(value[1:])
    try:
        return name, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MisuseError(
            f"{path} cannot be read as text: {type(error).__name__}", "name a file of UTF-8 text"
        ) from None
