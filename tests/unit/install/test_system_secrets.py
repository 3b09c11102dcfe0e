"""An administrator's secret for users: what the commands write, and real hosts of users who may and may not read it."""

import grp
import os
import socket
import stat
from pathlib import Path

import pytest

from longwire.console.errors import CommandError
from longwire.install import system_secrets
from longwire.install.system_secrets import Readers, group_for_everyone, problem_for_users, store_in_file, system_place
from longwire.policy import Policy
from longwire.policy.loading import parse_policy
from longwire.policy.locations import Locations
from longwire.protocol.records import PolicyState
from tests.private_etc import etc_is_ours, run_privately
from tests.unit.home import Home
from tests.unit.policy.samples import CHAT

VALUE = "sk-for-users-0123456789"
POLICY = """\
version = 1
[[grant]]
name = "local"
pages = ["http://localhost:5173"]
destinations = ["http://127.0.0.1:PORT/"]
methods = ["GET"]
network = "loopback"
inject = { Authorization = "Bearer {secret:api}" }
[secret.api]
file = "/etc/longwire/secrets/api"
"""
# A user's host asks a server of the same user's; says what the server was given, and what the page was told.
ASK = """
import sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tests.host_process import HostProcess

class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        print("server:", self.headers["Authorization"])
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_): pass

server = HTTPServer(("127.0.0.1", int(sys.argv[2])), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = HostProcess(Path(sys.argv[1]))
host.hello()
host.start(1, f"http://127.0.0.1:{sys.argv[2]}/")
while (message := host.next())["type"] not in ("STREAM_END", "STREAM_ERROR"):
    pass
print("page:", message["type"], message.get("code"))
if "code" in message:
    print("reason:", message["message"])
host.process.kill()
server.shutdown()
"""


@pytest.mark.skipif(not etc_is_ours(), reason="needs root, unshare and setpriv")
def test_users_of_the_group_use_it_and_others_are_told_why_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = run_privately(
        """
        printf '%s' "$value" | longwire secret set api --system 2>&1 || echo "refused: $?"
        groupadd longwire
        printf '%s' "$value" | longwire secret set api --system
        stat -c '%n %U:%G %a' /etc/longwire /etc/longwire/secrets /etc/longwire/secrets/api
        printf '%s' "$policy" > /etc/longwire/policy.toml
        longwire secret list
        for group in longwire nogroup; do
            mkdir -m 777 "$room/$group"
            setpriv --reuid 65534 --regid 65534 --groups "$(getent group $group | cut -d: -f3)" \
                env HOME="$room/$group" "$python" -c "$ask" "$room/$group" "$port"
        done
        longwire secret delete api --system
        """,
        value=VALUE, policy=POLICY.replace("PORT", str(port)), ask=ASK, port=str(port),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    refused, fix, code, *lines = done.stdout.splitlines()
    assert "there is no group longwire" in refused
    assert "`groupadd longwire`" in fix
    assert "`usermod -aG longwire USER`" in fix
    assert code == "refused: 1"
    stored = 'secret "api" (file /etc/longwire/secrets/api)'
    assert lines[0] == f"stored     {stored}"
    assert lines[1].startswith("readable   by the group longwire: ")
    assert lines[lines.index("[secret.api]") : lines.index("[secret.api]") + 2] == [
        "[secret.api]",
        "file = '/etc/longwire/secrets/api'",
    ]
    assert lines[-9:] == [
        "/etc/longwire root:root 755",
        "/etc/longwire/secrets root:root 755",
        "/etc/longwire/secrets/api root:longwire 640",
        "api\tfile\t/etc/longwire/secrets/api\tready\tlocal",
        f"server: Bearer {VALUE}",
        "page: STREAM_END None",
        "page: STREAM_ERROR SECRET_UNAVAILABLE",
        'reason: secret "api" may not be read by the user that runs the browser; '
        "`longwire secret list` says where it is looked for",
        f"deleted    {stored}",
    ]


def test_only_root_writes_it_and_only_for_a_group_that_exists() -> None:
    with pytest.raises(CommandError, match="written by root"):
        group_for_everyone(None, uid=1000)
    with pytest.raises(CommandError, match="there is no group no-such-group"):
        group_for_everyone("no-such-group", uid=0)
    assert group_for_everyone(grp.getgrgid(0).gr_name, uid=0) == Readers(grp.getgrgid(0).gr_name, 0)


def administrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> Path:
    file = tmp_path / "etc" / "policy.toml"
    file.parent.mkdir()
    if text is not None:
        file.write_text(text)
    locations = Locations(administrator=file, user=tmp_path / "none")
    monkeypatch.setattr(system_secrets, "default_locations", lambda: locations)
    return file


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (None, "secrets/key"),
        ("version = 1", "secrets/key"),
        (CHAT.replace('env = "LONGWIRE_', 'file = "/x/'), "/x/TEST_KEY"),
    ],
)
def test_it_lies_where_the_administrators_policy_says_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, place: str
) -> None:
    file = administrator(tmp_path, monkeypatch, text)

    assert system_place("key", None, keyring=False).where == str(file.parent / place)


@pytest.mark.parametrize(("text", "keyring"), [(CHAT, False), ("version = 1", True), ("version = 9", False)])
def test_a_place_that_belongs_to_one_user_is_none_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, *, keyring: bool
) -> None:
    administrator(tmp_path, monkeypatch, text)

    with pytest.raises(CommandError):
        system_place("key", None, keyring=keyring)


def test_a_group_belongs_to_a_file_for_all_users(home: Home) -> None:
    assert home.run("secret", "set", "key", "--group", "users").code == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_root_alone_can_read_is_not_called_ready_for_users(tmp_path: Path) -> None:
    file = tmp_path / "key"
    text = CHAT.replace('env = "LONGWIRE_TEST_KEY"', f'file = "{file}"')
    document = parse_policy(text.encode(), tmp_path / "policy.toml", "administrator")
    policy = Policy(PolicyState.OK, "d", (document.path,), document.grants)
    (source,) = document.secrets

    store_in_file(file, b"value", None)
    told = problem_for_users(source, policy, uid=0)
    assert told is not None
    assert "longwire secret set key --system" in told.fix
    assert problem_for_users(source, policy, uid=1000) is None
    store_in_file(file, b"value", Readers("users", 100))
    assert problem_for_users(source, policy, uid=0) is None
    assert (file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)) == (100, 0o640)
