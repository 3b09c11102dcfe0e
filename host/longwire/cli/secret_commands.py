"""`longwire secret set`, `list`, `delete`. No value is ever printed, and none is taken from the command line."""

import getpass
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from longwire.console.errors import CommandError, MisuseError
from longwire.console.output import say, say_json, say_table
from longwire.install.system_secrets import (
    SYSTEM_GROUP,
    Readers,
    group_for_everyone,
    problem_for_users,
    store_in_file,
    system_place,
)
from longwire.policy import Policy, PolicyStore, SecretReader, SecretSource, default_locations
from longwire.policy.keyrings import KeyringUnavailable, delete_entry, load_keyring, write_entry
from longwire.policy.secrets import MAX_SECRET_BYTES, SecretUnavailable, is_absolute_path, problem_with_value
from longwire.policy.templates import SECRET_NAME
from longwire.protocol.records import PolicyState

app = typer.Typer(help="The secrets that the policy injects: store, list, delete.", no_args_is_help=True)

_PLACE_HELP: Final = "Otherwise: where the policy says; if it says nothing, the keyring, or else a file of your own."

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As in [secret.NAME] of the policy.")]
FileOption = Annotated[Path | None, typer.Option("--file", metavar="PATH", help=f"This file. {_PLACE_HELP}")]
KeyringOption = Annotated[bool, typer.Option("--keyring", help="The desktop's keyring, under this name.")]
SystemOption = Annotated[
    bool, typer.Option("--system", help="A file for users of this machine, where the policy says; as root.")
]
GroupOption = Annotated[
    str | None, typer.Option("--group", metavar="GROUP", help=f"With --system: who may read it ({SYSTEM_GROUP}).")
]


@app.command("set")
def set_secret(
    name: NameArgument,
    file: FileOption = None,
    *,
    keyring: KeyringOption = False,
    system: SystemOption = False,
    group: GroupOption = None,
) -> None:
    """Store a secret.

    On a console it is asked for and not shown; otherwise it is read from standard input.

    With --system it is a file that one group may read: whoever is in it can use the secret, and can read it.
    """
    named = _named_by_policy(name)
    if group is not None and not system:
        raise MisuseError("--group is given without --system", "give both: a file of your own is yours alone")
    readers = group_for_everyone(group) if system else None
    source = system_place(name, file, keyring=keyring) if system else _place(name, file, named, keyring=keyring)
    if source.kind in ("env", "command"):
        raise _not_ours(source)  # before anybody types it for nothing
    value = _read_value(name)
    if problem := problem_with_value(value):
        raise CommandError(f"this value {problem}", "give the value alone, as the server wants it")
    _store(source, value, readers)
    say(f"stored     {source.describe()}")
    if readers is not None:
        say(f"readable   by the group {readers.name}: whoever is in it can use the secret, and with a program read it")
    if source not in named:
        say("\nThe policy reads it from there with these lines:\n")
        say(f"[secret.{name}]\n{source.kind} = {_toml_text(source.where)}")


@app.command("list")
def list_secrets(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002
) -> None:
    """List the policy's secrets, and whether each can be read.

    Also where each lies, and which grants inject it.
    """
    policy = _usable_policy()
    reader = SecretReader(keyring=load_keyring)
    rows = [_row(source, policy, reader) for source in policy.secrets]
    if as_json:
        say_json(rows)
        return
    if not rows:
        what = "there is no policy file" if policy.state is PolicyState.MISSING else "the policy names no secrets"
        say(f"{what}: `longwire docs policy` has an example")
        return
    columns = ("name", "kind", "place", "state", "grants")
    say_table(
        columns, ([*(str(row[column]) for column in columns[:-1]), " ".join(row["grants"]) or "-"] for row in rows)
    )


@app.command("delete")
def delete_secret(
    name: NameArgument,
    file: FileOption = None,
    *,
    keyring: KeyringOption = False,
    system: SystemOption = False,
) -> None:
    """Remove a secret from where it is stored. Exit code 1: it was not there."""
    named = _named_by_policy(name)
    source = system_place(name, file, keyring=keyring) if system else _place(name, file, named, keyring=keyring)
    if not _remove(source):
        raise CommandError(f"{source.describe()} is not there", "`longwire secret list` says what is where")
    say(f"deleted    {source.describe()}")


def secrets_folder() -> Path:
    """Where `set` puts files of which the policy says nothing else."""
    return default_locations().user.parent / "secrets"


def _usable_policy() -> Policy:
    policy = PolicyStore().current()
    if policy.problem:
        raise CommandError(policy.problem, "mend the policy file first, or say --file or --keyring")
    return policy


def _named_by_policy(name: str) -> list[SecretSource]:
    if not SECRET_NAME.fullmatch(name):
        raise MisuseError(f'"{name[:64]}" cannot be a secret\'s name', "use letters, digits, '_', '.' and '-'")
    return [source for source in PolicyStore().current().secrets if source.name == name]


def _place(name: str, file: Path | None, named: list[SecretSource], *, keyring: bool) -> SecretSource:
    if file is not None and keyring:
        raise MisuseError("--file and --keyring exclude each other", "say one of them")
    if file is not None:
        if not is_absolute_path(str(file)):
            raise MisuseError("the path is not absolute", "the policy needs an absolute one: --file /…")
        return SecretSource(name, "file", str(file))
    if keyring:
        return SecretSource(name, "keyring", name)
    if len(named) > 1:
        raise MisuseError(
            f"both policy files name a secret {name}: {'; '.join(map(SecretSource.describe, named))}",
            "say which one is meant with --file or --keyring",
        )
    if named:
        return named[0]
    _usable_policy()  # a broken file may well name it
    return _default_place(name)


def _default_place(name: str) -> SecretSource:
    try:
        load_keyring()
    except KeyringUnavailable:
        return SecretSource(name, "file", str(secrets_folder() / name))
    return SecretSource(name, "keyring", name)


def _read_value(name: str) -> bytes:
    if sys.stdin.isatty():
        return getpass.getpass(f"Value of the secret {name} (not shown): ").encode("utf-8")
    # One byte more than is allowed, and a line end, tell a value that is too long.
    return sys.stdin.buffer.read(MAX_SECRET_BYTES + 3).removesuffix(b"\n").removesuffix(b"\r")


def _store(source: SecretSource, value: bytes, readers: Readers | None) -> None:
    try:
        if source.kind == "keyring":
            write_entry(load_keyring(), source.where, value.decode("utf-8"))
        else:
            store_in_file(Path(source.where), value + b"\n", readers)
    except UnicodeDecodeError:
        raise CommandError("this value is not UTF-8, and a keyring holds text", "store it with --file") from None
    except KeyringUnavailable as error:
        raise CommandError(f"{source.describe()} {error.what}", "unlock the keyring, or store it with --file") from None
    except OSError:
        raise CommandError(
            f"{source.describe()} cannot be written",
            "store it as the user that owns it, or have the policy name a place of yours",
        ) from None


def _remove(source: SecretSource) -> bool:
    if source.kind in ("env", "command"):
        raise _not_ours(source)
    try:
        if source.kind == "keyring":
            return delete_entry(load_keyring(), source.where)
        Path(source.where).unlink()
    except KeyringUnavailable as error:
        raise CommandError(f"{source.describe()} {error.what}", "unlock the keyring and try again") from None
    except FileNotFoundError:
        return False
    except OSError:
        raise CommandError(f"{source.describe()} cannot be removed", "remove it as the user that owns it") from None
    return True


def _not_ours(source: SecretSource) -> CommandError:
    by_program = "it is what that program prints: sign in there"
    where = by_program if source.kind == "command" else "set it where the browser is started"
    return CommandError(
        f"{source.describe()} is not Longwire's to set",
        f"{where}, or name a file or a keyring entry in the policy instead",
    )


def _row(source: SecretSource, policy: Policy, reader: SecretReader) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": source.kind,
        "place": source.place,
        "state": _state(reader, source, policy),
        "grants": [grant.name for grant in policy.grants if source in grant.all_secrets],
    }


def _state(reader: SecretReader, source: SecretSource, policy: Policy) -> str:
    try:
        reader.read(source)
    except SecretUnavailable as error:
        return error.detail
    problem = problem_for_users(source, policy)
    return "ready" if problem is None else f"{problem.what}: {problem.fix}"


def _toml_text(text: str) -> str:
    # A literal string holds backslashes as they are; only a quote needs the other kind.
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
