"""Row 14: the environment in which the browser was started leaks into requests, or requests into what it names."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.host_process import HostProcess, grant
from tests.host_process import environment as bare_environment
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority

# A module of the host, one of its libraries, one of Python's own, and those that Python looks for by itself.
PLANTED = ("longwire", "anyio", "json", "sitecustomize", "usercustomize")
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


async def answer(request: Request) -> None:
    """A server of any kind; a proxy too, were it asked."""
    await bodies.respond(request.connection, b"ok", headers=[("Set-Cookie", "a=b")])


def plant(folder: Path) -> Path:
    """Modules that tell, by a file, that they were imported."""
    folder.mkdir(parents=True)
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'imported')!r}, 'a').write({name!r})\nraise SystemExit")
    return folder


def test_no_variable_changes_what_a_host_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority()
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password netrc-password\n")
    netrc.chmod(0o600)
    planted = plant(tmp_path / "planted")
    (tmp_path / "keyring.cfg").write_text("[backend]\ndefault-keyring=planted.Keyring\n")
    with (
        ThreadedServer(lambda: Server(answer)) as proxy,
        ThreadedServer(lambda: Server(answer)) as server,
        ThreadedServer(lambda: Server(answer, context=authority.server_context())) as tls,
    ):
        hostile = {
            **dict.fromkeys(PROXIES, proxy.url("")),
            "NO_PROXY": "",
            "SSL_CERT_FILE": authority.write_ca(tmp_path),
            "SSL_CERT_DIR": str(tmp_path),
            "SSLKEYLOGFILE": str(tmp_path / "session-keys"),
            "NETRC": str(netrc),
            "PYTHONPATH": str(planted),
            "PYTHONSTARTUP": str(planted / "json.py"),
            "PYTHONHOME": str(planted),
            "PYTHONINSPECT": "1",
            "PYTHONVERBOSE": "1",
            "PYTHON_KEYRING_BACKEND": "json.Keyring",
            "PYTHONASYNCIODEBUG": "1",
            "HTTPCORE_LOG_LEVEL": "trace",
            "LONGWIRE_POLICY": str(tmp_path / "elsewhere.toml"),
        }
        (tmp_path / "elsewhere.toml").write_text(grant(tls.url("/")))
        monkeypatch.setattr("tests.host_process.environment", lambda home: {**bare_environment(home), **hostile})
        with HostProcess(plant(tmp_path / "home"), grant(server.url("/"), tls.url("/"))) as host:
            host.hello()
            host.start(1, server.url("/"))
            assert host.body(1)[1]["type"] == "STREAM_END"
            host.start(2, tls.url("/"))
            _, end = host.body(2)
            assert end["code"] == "UPSTREAM_TLS", "an authority from the environment is not trusted"
        assert proxy.server.connections == []
        (request,) = server.server.requests
        assert not {name.lower() for name, _ in request.headers} & {"authorization", "cookie", "proxy-authorization"}
    assert not list(tmp_path.rglob("session-keys"))
    assert not list(tmp_path.rglob("imported"))


def test_the_planted_modules_would_be_imported_by_an_interpreter_that_is_not_alone(tmp_path: Path) -> None:
    """The other half of a file that is not there."""
    planted = plant(tmp_path / "planted")
    subprocess.run([sys.executable, "-c", "import json"], env={"PYTHONPATH": str(planted)}, check=False)
    assert (planted / "imported").read_text()
