"""Manifest, launcher and host of each browser: from the file that it reads to the first frame."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from longwire import __version__
from longwire.assets import extension_id
from longwire.console.errors import CommandError
from longwire.doctor.checks.launchers import find_launcher_fault, interpreter_of
from longwire.doctor.checks.manifests import find_fault, named_launcher
from longwire.doctor.checks.registered import Registered, mend_shadow, registered
from longwire.doctor.checks.start import WELCOME_DEADLINE_S, Answer, Kind, ask
from longwire.doctor.finding import Finding, Mend, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.families import Family
from longwire.install.launcher import launcher_text
from longwire.protocol.limits import PROTOCOL_VERSION

_SLOW_S: Final = 3.0
# As `longwire.status()` and the popup have it.
_WORTH_A_WORD_S: Final = 1.0
Asker = Callable[[Path], Answer]


def check_hosts(patient: Patient, asker: Asker | None = None) -> Iterator[Finding]:
    """Each browser's manifest and launcher; each launcher started once, however many browsers name it."""
    all_registered = registered(patient)
    if not all_registered:
        yield _no_browser(patient)
    anywhere = any(each.effective for each in all_registered)
    started: set[Path] = set()
    for each in all_registered:
        findings, launcher = _check_files(patient, each, anywhere=anywhere)
        yield from findings
        if launcher is not None and launcher not in started:
            started.add(launcher)
            answer = asker(launcher) if asker else _ask(patient, each, launcher)
            yield from _judge(patient, each, launcher, answer)
    for truth, fix in patient.sandboxed:
        yield warn("browser", truth, fix)


def _ask(patient: Patient, each: Registered, launcher: Path) -> Answer:
    assert each.effective is not None  # noqa: S101  (it named the launcher)
    return ask(launcher, patient.environ, arguments=each.family.command_line(extension_id(), each.effective))


def _no_browser(patient: Patient) -> Finding:
    if patient.sandboxed:
        return fail("browser", "no browser was found that can start a host", patient.sandboxed[0][1])
    return fail(
        "browser",
        "no browser was found that Longwire knows, and it is installed for none",
        "install one, or examine one profile with --user-data-dir",
    )


def _check_files(patient: Patient, each: Registered, *, anywhere: bool) -> tuple[list[Finding], Path | None]:
    """Findings on manifest and launcher, and the launcher if it is worth starting."""
    command, mend = _way_out(patient, each)
    path = each.effective
    if path is None:
        if each.hidden_by_policy and each.user:
            return [], None  # `check_shadowing` says it all
        return [_missing(patient, each, anywhere=anywhere)], None
    fault = find_fault(path, patient.here.platform, each.family)
    if fault and not fault.forgiven:
        return [fail("manifest", f"{path} {fault.text}", command, each.title, mend)], None
    findings = [ok("manifest", str(path), each.title)]
    if fault:
        findings = [warn("manifest", f"{path} {fault.text}", command, each.title, mend)]
    launcher = named_launcher(path)
    assert launcher is not None  # noqa: S101  (a manifest without fault names one)
    if wrong := find_launcher_fault(launcher, patient.here.platform):
        return [*findings, fail("launcher", wrong.text, command, each.title, mend)], None
    if _was_changed(patient, each, launcher):
        findings.append(warn("launcher", f"{launcher} is not what `install` writes", command, each.title, mend))
    else:
        findings.append(ok("launcher", str(launcher), each.title))
    return findings, launcher


def _missing(patient: Patient, each: Registered, *, anywhere: bool) -> Finding:
    command = patient.install_command(each.scope, each.browser)
    mend = patient.reinstall(each.scope, each.browser)
    where = patient.profile or (each.browser and each.browser.user)
    what = f"there is no manifest for Longwire in {where}"
    if each.recorded or not anywhere:
        return fail("manifest", what, f"run `{command}`", each.title, mend)
    return warn("manifest", f"Longwire is not installed for it: {what}", f"run `{command}` to use it there", each.title)


def _way_out(patient: Patient, each: Registered) -> tuple[str, Mend | None]:
    """The one fix for whatever is wrong with the files: write them anew, or let the system's be used."""
    shadow = mend_shadow(each)
    if shadow is not None and each.effective == each.user and _is_whole(each.system, patient, each.family):
        return f"delete {each.user}, then the system's installation is used", shadow
    command = patient.install_command(each.scope, each.browser)
    mend = patient.reinstall(each.scope, each.browser)
    return f"run `{command}`" + ("" if mend else " as root"), mend


def _is_whole(manifest: Path | None, patient: Patient, family: Family) -> bool:
    """Whether a manifest and what it names are whole, as far as files can tell."""
    launcher = named_launcher(manifest)
    return (
        manifest is not None
        and launcher is not None
        and find_fault(manifest, patient.here.platform, family) is None
        and find_launcher_fault(launcher, patient.here.platform) is None
    )


def _was_changed(patient: Patient, each: Registered, launcher: Path) -> bool:
    """Whether it is a script of ours that somebody changed. What is not ours is judged by what it answers."""
    if launcher != patient.installation(each.scope).launcher:
        return False
    interpreter = interpreter_of(launcher)
    try:
        return interpreter is None or launcher.read_text(encoding="utf-8") != launcher_text(interpreter)
    except (OSError, ValueError, CommandError):
        return True


# --- what the host answered -----------------------------------------------------------------------------------------


def _judge(patient: Patient, each: Registered, launcher: Path, answer: Answer) -> Iterator[Finding]:
    command, mend = _way_out(patient, each)
    if _is_program(patient, each, launcher):
        # Writing the same path once more would change nothing, and which of the two is wanted is not ours to say.
        command, mend = f"bring {launcher} up to date, or {command} to start this Python instead", None
    wrong = _wrong(launcher, answer)
    if wrong is not None:
        yield fail("host", wrong, _fix_for(patient, each, launcher, answer) or command, each.title, mend)
        return
    version = answer.message.get("host")
    if version != __version__:
        yield fail(
            "version",
            f"the browser starts Longwire {version}, this is {__version__}: two installations of Longwire",
            command,
            each.title,
            mend,
        )
    took = f"answered HELLO in {answer.seconds:.2f} s"
    if answer.seconds > _WORTH_A_WORD_S:
        took += ", for which the first stream of a browser waits"
    if answer.seconds > _SLOW_S:
        yield warn("host", f"{took}; the extension waits {WELCOME_DEADLINE_S:.0f} s", "free the machine of load")
    elif answer.lingered:
        yield warn("host", f"{took}, but did not end with its input", "report this as a bug")
    else:
        yield ok("host", f"Longwire {version} {took}, started as a browser does", each.title)
    yield from _same_policy(patient, answer)


def _is_program(patient: Patient, each: Registered, launcher: Path) -> bool:
    """Whether `install` was told to name this program (a frozen host)."""
    try:
        return patient.installation(each.scope).recorded().program == str(launcher)
    except CommandError:
        return False


def _wrong(launcher: Path, answer: Answer) -> str | None:
    """What a browser would refuse, or None."""
    if answer.kind is not Kind.ANSWERED:
        words = f": {answer.last_words}" if answer.last_words else ""
        return {
            Kind.NOT_STARTED: f"{launcher} does not start: {answer.refusal}",
            Kind.ENDED: f"the host ended while it started, with exit code {answer.exit_code}{words}",
            Kind.MUTE: f"the host was started but said nothing for {WELCOME_DEADLINE_S:.0f} s{words}",
            Kind.GARBAGE: "something else than the host writes to its standard output, "
            f'beginning with "{answer.garbage}"',
        }[answer.kind]
    kind, protocol = answer.message.get("type"), answer.message.get("protocol")
    if kind == "FATAL":
        return f"the host refuses: {answer.message.get('message')}"
    if kind != "WELCOME" or protocol != PROTOCOL_VERSION:
        return f"the host answers {kind} of protocol {protocol}, not WELCOME of {PROTOCOL_VERSION}"
    return None


def _fix_for(patient: Patient, each: Registered, launcher: Path, answer: Answer) -> str | None:
    """Another fix than writing the files anew, where that would change nothing."""
    if answer.kind not in (Kind.ENDED, Kind.GARBAGE) or _was_changed(patient, each, launcher):
        return None
    try:
        wanted = patient.launcher(each.scope)
    except CommandError as error:
        return error.fix
    if interpreter_of(launcher) != wanted:
        return None
    if answer.kind is Kind.GARBAGE:
        return f"find what prints when {wanted} starts (a .pth file or sitecustomize in it) and remove it"
    return f"install Longwire again for {wanted}"


def _same_policy(patient: Patient, answer: Answer) -> Iterator[Finding]:
    theirs = (answer.message.get("policy") or {}).get("digest")
    ours = patient.policy().current().digest
    if theirs != ours:
        yield warn(
            "policy",
            "the host reads another policy file than this command",
            "run `longwire doctor` as the user who runs the browser, with the same XDG_CONFIG_HOME",
        )
