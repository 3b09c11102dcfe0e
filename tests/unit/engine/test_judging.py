"""What is said of a request before it is made is what it meets: by a real host, by its STATUS and by `policy check`."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from longwire.protocol.errors import ErrorCode
from tests.host_process import ENTRY, PAGE, HostProcess, environment, write_policy
from tests.slices import sliced
from tests.unit.home import run_command

SECRET = "lw-canary-judged-4f81c07a2b9d"


@dataclass(frozen=True)
class Case:
    """A policy of one grant for one destination, and what every request by it meets."""

    id: str
    destination: str
    code: ErrorCode
    says: str
    lines: tuple[str, ...] = ()
    secret: str = ""
    files: dict[str, tuple[str, int]] = field(default_factory=dict)

    def policy(self, home: Path) -> str:
        inject = 'inject = { Authorization = "Bearer {secret:key}" }' if self.secret else ""
        return "\n".join(
            [
                "version = 1",
                "[[grant]]",
                'name = "judged"',
                f'pages = ["{PAGE["origin"]}"]',
                f'destinations = ["{self.destination}"]',
                'methods = ["GET"]',
                *(line.format(home=home) for line in self.lines),
                inject,
                f"[secret.key]\n{self.secret.format(home=home)}" if self.secret else "",
                "",
            ]
        )


LOOPBACK = 'network = "loopback"'
UNAVAILABLE, DENIED, TLS = ErrorCode.SECRET_UNAVAILABLE, ErrorCode.POLICY_DENIED, ErrorCode.UPSTREAM_TLS
CASES = [
    Case("loopback under public", "http://127.0.0.1:9/", DENIED, 'can say network = "loopback"'),
    Case("localhost under public", "http://localhost:9/", DENIED, "a loopback address"),
    Case("private under public", "http://10.1.2.3:9/", DENIED, 'can say network = "private"'),
    Case("public under private", "http://1.1.1.1:9/", DENIED, "a public address", ('network = "private"',)),
    Case("link-local", "http://169.254.169.254/", DENIED, "no grant can open", ('network = "private"',)),
    Case(
        "address under public, by a proxy",
        "http://10.1.2.3:9/",
        DENIED,
        "a private address",
        ('proxy = "http://127.0.0.1:9"',),
    ),
    Case("no file", "http://127.0.0.1:9/", UNAVAILABLE, "does not exist", (LOOPBACK,), 'file = "{home}/key"'),
    Case(
        "an empty file",
        "http://127.0.0.1:9/",
        UNAVAILABLE,
        "is empty",
        (LOOPBACK,),
        'file = "{home}/key"',
        {"key": ("", 0o600)},
    ),
    Case(
        "a file that others read",
        "http://127.0.0.1:9/",
        UNAVAILABLE,
        "may be written by others",
        (LOOPBACK,),
        'file = "{home}/key"',
        {"key": (SECRET, 0o666)},
    ),
    Case("no variable", "http://127.0.0.1:9/", UNAVAILABLE, "is not set", (LOOPBACK,), 'env = "LONGWIRE_TEST_UNSET"'),
    Case("no ca_file", "https://127.0.0.1:9/", TLS, "ca_file", (LOOPBACK, 'ca_file = "{home}/ca.pem"')),
    Case(
        "a ca_file without authorities",
        "https://127.0.0.1:9/",
        TLS,
        "at least one certificate",
        (LOOPBACK, 'ca_file = "{home}/ca.pem"'),
        files={"ca.pem": ("nothing", 0o600)},
    ),
    Case(
        "a ca_file of everybody's",
        "http://127.0.0.1:9/",
        TLS,
        "could be changed or replaced",
        (LOOPBACK, 'ca_file = "{home}/ca.pem"'),
        files={"ca.pem": ("nothing", 0o666)},
    ),
]


def check(home: Path, url: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of `policy check` for the test page."""
    page = str(PAGE["origin"])
    done = run_command(environment(home), "policy", "check", "--json", "--page", page, "--url", url)
    return done.code, json.loads(done.out)


# Each kind of refusal once, in `make test`: the others differ in the text that the same place of the code writes.
@pytest.mark.parametrize(
    "case",
    sliced(
        {case.id: case for case in CASES},
        "loopback under public",
        "public under private",
        "link-local",
        "address under public, by a proxy",
        "no file",
        "no variable",
        "no ca_file",
        "a ca_file of everybody's",
    ),
)
def test_the_status_and_the_check_say_what_the_request_meets(case: Case, tmp_path: Path) -> None:
    for name, (content, mode) in case.files.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    with HostProcess(tmp_path, case.policy(tmp_path), ENTRY) as host:
        host.hello()
        host.send(type="STATUS_REQUEST", request=1, page=PAGE)
        status = host.expect("STATUS")
        url = case.destination + "x"
        host.start(1, url)
        met = host.expect("STREAM_ERROR")

    assert (met["code"], status["state"], status["destinations"]) == (case.code, "ready", [case.destination])
    assert case.says in met["message"]
    obstacle = {"destinations": [case.destination], "code": met["code"], "message": met["message"]}
    named = re.search(r"`(longwire [^`]+)`", met["message"])
    assert status["obstacles"] == [obstacle | ({"command": named[1]} if named else {})]
    assert status["fix"] == met["message"]
    code, said = check(tmp_path, url)
    assert (code, said["allowed"], said["code"], said["grant"]) == (1, False, met["code"], "judged")
    assert case.says in said["message"]
    assert str(tmp_path) not in status["fix"], "where files lie is nothing for a page"


@pytest.mark.parametrize(
    ("top", "line", "says"),
    [
        ("enabled = false", "", "the user's policy file says enabled = false for all grants"),
        ("", "enabled = false", 'the grant "judged" names this page, and says enabled = false'),
    ],
)
def test_what_is_switched_off_is_said_to_be_and_by_whom(tmp_path: Path, top: str, line: str, says: str) -> None:
    policy = Case("", "http://127.0.0.1:9/", DENIED, "", (LOOPBACK, line)).policy(tmp_path)
    with HostProcess(tmp_path, policy.replace("version = 1", f"version = 1\n{top}"), ENTRY) as host:
        host.hello()
        host.send(type="STATUS_REQUEST", request=1, page=PAGE)
        status = host.expect("STATUS")
        host.start(1, "http://127.0.0.1:9/")
        met = host.expect("STREAM_ERROR")

    assert (status["destinations"], met["code"]) == ([], DENIED)
    assert says in status["fix"]
    code, said = check(tmp_path, "http://127.0.0.1:9/")
    assert code == 1
    assert "enabled = false" in met["message"]
    assert "enabled = false" in str(said)
    if top:
        assert str(tmp_path) in said["message"]


def test_where_nothing_is_in_the_way_all_say_so(tmp_path: Path) -> None:
    case = Case("", "http://127.0.0.1:9/", DENIED, "", (LOOPBACK,), 'file = "{home}/key"')
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "key").chmod(0o600)
    with HostProcess(tmp_path, case.policy(tmp_path), ENTRY) as host:
        host.hello()
        host.send(type="STATUS_REQUEST", request=1, page=PAGE)
        status = host.expect("STATUS")
        host.start(1, case.destination)
        # It went as far as a connection could be tried: nothing listens there.
        assert host.expect("STREAM_ERROR")["code"] == ErrorCode.UPSTREAM_CONNECT
    assert "fix" not in status
    assert "obstacles" not in status
    code, said = check(tmp_path, case.destination)
    assert (code, said["allowed"], said["notes"]) == (0, True, [])


def test_a_secret_that_was_stored_meanwhile_is_there_for_the_next_status(tmp_path: Path) -> None:
    case = Case("", "http://127.0.0.1:9/", DENIED, "", (LOOPBACK,), 'file = "{home}/key"')
    write_policy(tmp_path, case.policy(tmp_path))
    with HostProcess(tmp_path, None, ENTRY) as host:
        host.hello()
        host.send(type="STATUS_REQUEST", request=1, page=PAGE)
        assert "does not exist" in host.expect("STATUS")["fix"]
        (tmp_path / "key").write_text(SECRET)
        (tmp_path / "key").chmod(0o600)
        host.send(type="STATUS_REQUEST", request=2, page=PAGE)
        assert "fix" not in host.expect("STATUS")
