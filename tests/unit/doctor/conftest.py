import json
from pathlib import Path

import pytest

from tests.unit.doctor.installed import Installed
from tests.unit.home import Home, home

__all__ = ["home", "installed"]

POLICY = """\
version = 1

[[grant]]
name = "chat"
pages = ["https://chat.example.com"]
destinations = ["https://api.example.com/v1/"]
methods = ["GET"]
"""


@pytest.fixture
def installed(home: Home) -> Installed:
    """Longwire as `longwire install` leaves it, for Chromium, with a policy: a green doctor."""
    (home.config / "chromium").mkdir(parents=True)
    done = home.run("install")
    assert done.code == 0, done.err
    home.write_policy(POLICY)
    manifest = home.config / "chromium" / "NativeMessagingHosts" / "com.longwire.host.json"
    return Installed(home, manifest, Path(json.loads(manifest.read_bytes())["path"]))
