"""At the end of a run: is any secret that was used in it written anywhere it should not be?

The secrets are those that the host's own reader gave out in this process, and those of every policy file that was put
in place for a host in a process of its own. They are looked for raw, in base64 and URL-encoded, in

    files       everything below the temporary folder: logs, profiles, policies; but for the secrets' own files
    terminal    what tests printed, what commands printed, here or as processes of their own, and the texts of failures
    frames      all bytes that went through a frame decoder of this process: those of hosts to "browsers" too

Secrets shorter than 12 bytes are not searched: they turn up by chance.
"""

import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pytest

from longwire.policy.needles import secret_forms
from longwire.policy.secret_reader import SecretReader
from longwire.policy.secrets import Secret, SecretSource
from longwire.protocol.frames import FrameDecoder
from tests.host_process import POLICY_WATCHERS
from tests.printed import FIGURES

MIN_SECRET_BYTES: Final = 12
# Frames of long downloads are looked at up to here: a body of hundreds of megabytes is not where secrets get lost.
_MAX_FRAME_BYTES: Final = 128 * 1024 * 1024
# Other people's files, in the environments that some tests install.
_FOREIGN_FOLDERS: Final = ("site-packages", "Cache", "Code Cache", "component_crx_cache")


@dataclass
class Search:
    """What is looked for, and what has been looked at."""

    values: set[bytes] = field(default_factory=set)
    own_files: set[Path] = field(default_factory=set)
    terminal: list[str] = field(default_factory=list)
    frames: IO[bytes] = field(default_factory=lambda: tempfile.NamedTemporaryFile(prefix="frames-"))  # noqa: SIM115  (for the whole run)
    frame_bytes: int = 0
    files: int = 0
    hits: list[str] = field(default_factory=list)

    def learn_place(self, source: SecretSource) -> None:
        """A secret is looked for here, whether it can be read or not."""
        if source.kind == "file":
            self.own_files.add(Path(source.where).resolve())

    def learn(self, secret: Secret) -> None:
        """A secret was given out."""
        self.values.add(secret.reveal().encode("latin-1"))

    def learn_from(self, folder: Path) -> None:
        """Take the secrets of every policy file below `folder`."""
        for path in folder.rglob("*.toml"):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, ValueError):  # broken on purpose
                continue
            self.learn_policy(text, folder)

    def learn_policy(self, text: str, folder: Path) -> None:
        """Take the secrets of one policy, as far as they lie below `folder`."""
        try:
            secrets = tomllib.loads(text).get("secret", {})
            places = [Path(entry["file"]) for entry in secrets.values() if "file" in entry]
        except (ValueError, AttributeError, TypeError):  # broken on purpose
            return
        for place in places:
            if place.is_file() and folder in place.parents:
                self.own_files.add(place.resolve())
                self.values.add(place.read_bytes().strip())

    def hear(self, *texts: str | bytes | None) -> None:
        """Something was printed."""
        self.terminal += [text if isinstance(text, str) else text.decode("latin-1") for text in texts if text]

    def needles(self) -> list[bytes]:
        """Every form of every secret that is long enough."""
        return sorted({form for value in self.values if len(value) >= MIN_SECRET_BYTES for form in secret_forms(value)})

    def run(self, folder: Path) -> None:
        """Look everywhere."""
        self.learn_from(folder)
        needles = self.needles()
        if not needles:
            return
        self.files = sum(len(names) for _, _, names in os.walk(folder))
        found = containing(folder, needles)
        self.hits += [f"file {path.relative_to(folder)}" for path in found if not self._is_own_file(path)]
        for text in self.terminal:
            data = text.encode("utf-8", "replace")
            # Never the value, not even here.
            self.hits += [f"terminal, byte {data.find(needle)}" for needle in needles if needle in data]
        self.frames.flush()
        self.hits += ["frames" for _ in containing(Path(self.frames.name), needles)]

    def _is_own_file(self, path: Path) -> bool:
        """Whether it is where a secret is kept: read from, or written by `longwire secret set`."""
        return path.resolve() in self.own_files or path.read_bytes().strip() in self.values

    def report(self) -> str:
        """The line at the end."""
        used = sum(len(value) >= MIN_SECRET_BYTES for value in self.values)
        lines = sum(text.count("\n") + 1 for text in self.terminal)
        return (
            f"secrets used: {used}; searched: {self.files} files, {lines} terminal lines, "
            f"{self.frame_bytes} bytes of frames; hits: {len(self.hits)}"
        )


SEARCH: Final = Search()


def pytest_configure(config: pytest.Config) -> None:
    """Listen at the places that everything goes through."""
    read, feed, readouterr = SecretReader.read, FrameDecoder.feed, pytest.CaptureFixture.readouterr
    run = subprocess.run

    def listening_run(*arguments: Any, **options: Any) -> Any:
        done = run(*arguments, **options)
        SEARCH.hear(done.stdout, done.stderr)
        return done

    def listening_read(self: SecretReader, source: SecretSource) -> Secret:
        SEARCH.learn_place(source)
        secret = read(self, source)
        SEARCH.learn(secret)
        return secret

    def listening_feed(self: FrameDecoder, data: bytes) -> Any:
        if SEARCH.frame_bytes < _MAX_FRAME_BYTES:
            SEARCH.frame_bytes += SEARCH.frames.write(data)
        return feed(self, data)

    def listening_readouterr(self: pytest.CaptureFixture[Any]) -> Any:
        captured = readouterr(self)
        SEARCH.hear(*captured)
        return captured

    SecretReader.read = listening_read  # type: ignore[method-assign]
    FrameDecoder.feed = listening_feed  # type: ignore[method-assign]
    pytest.CaptureFixture.readouterr = listening_readouterr  # type: ignore[method-assign]
    POLICY_WATCHERS.append(SEARCH.learn_policy)
    subprocess.run = listening_run


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What a test printed, and how it failed."""
    SEARCH.terminal += [text for _, text in report.sections]
    if report.failed:
        SEARCH.terminal.append(report.longreprtext)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Search before pytest removes the temporary folder, and fail the run on a hit."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and not session.config.option.collectonly and SEARCH.values:
        SEARCH.run(Path(factory.getbasetemp()))
        FIGURES.append(SEARCH.report())
    if SEARCH.hits:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    # One of several processes that share a run has a folder and secrets of its own, and nobody to print to.
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output |= {"figures": FIGURES, "hits": SEARCH.hits}
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of those processes found."""
    output = getattr(node, "workeroutput", {})  # nothing, if it crashed
    FIGURES.extend(output.get("figures", []))
    SEARCH.hits += output.get("hits", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of the run."""
    for figure in FIGURES:
        terminalreporter.write_line(figure)
    for hit in SEARCH.hits:
        terminalreporter.write_line(f"a secret was written: {hit}", red=True)


def containing(where: Path, needles: Sequence[bytes]) -> list[Path]:
    """The files at or below `where` that hold one of `needles`."""
    if grep := shutil.which("grep"):
        # Hundreds of needles in one pass; Python would need one for each.
        skipped = [f"--exclude-dir={name}" for name in _FOREIGN_FOLDERS]
        command = [grep, "-rlaFZ", "--devices=skip", *skipped, "-f", "-", "--", str(where)]
        done = subprocess.run(command, input=b"\n".join(needles), capture_output=True, env={"LC_ALL": "C"}, check=False)
        return [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    paths = [where] if where.is_file() else [path for path in where.rglob("*") if path.is_file()]
    return [path for path in paths if _holds(path, needles)]


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return any(needle in data for needle in needles)
