"""Which process of a browser does what."""

import pytest

from tests.bench.processes import Role, memory_rows, role_of

CALLER = "chrome-extension://abcdefghijklmnop/"


@pytest.mark.parametrize(
    ("arguments", "is_root", "role"),
    [
        (["chromium", "--user-data-dir=x"], True, "browser"),
        (["chromium", "--type=renderer", "--extension-process"], False, "worker"),
        (["chromium", "--type=renderer"], False, "page"),
        (["chromium", "--type=utility", "--utility-sub-type=network.mojom.NetworkService"], False, "network"),
        (["chromium", "--type=gpu-process"], False, None),
        (["python", "-I", "launcher", CALLER], False, "host"),
        (["chromium", "--type=zygote", CALLER], False, None),
    ],
    ids=["browser", "worker", "page", "network", "gpu", "host", "zygote"],
)
def test_a_role_is_known_by_the_command_line(arguments: list[str], is_root: bool, role: Role | None) -> None:
    assert role_of(arguments, is_root=is_root) == role


def test_memory_is_told_for_every_role() -> None:
    rows = memory_rows("idle", {"browser": 2 << 20, "network": 0, "worker": 0, "page": 0, "host": 1 << 20})
    assert [(row.name, row.median) for row in rows][:1] == [("memory, idle: browser", 2.0)]
    assert len(rows) == 5
