"""Where the files of this user and of the administrator lie. For a host that does not know yet whether it needs more.

Fixed places: nothing in the environment replaces or widens the administrator's.
"""

import os
import sys
from pathlib import Path

import platformdirs


def administrator_policy(platform: str = sys.platform) -> Path:
    """The administrator's policy file, whether it exists or not."""
    if platform == "win32":
        # Literally: %ProgramFiles% is the user's to set.
        return Path("C:/Program Files/Longwire/policy.toml")
    if platform == "darwin":
        return Path("/Library/Application Support/Longwire/policy.toml")
    return Path("/etc/longwire/policy.toml")


def user_policy() -> Path:
    """The user's policy file, whether it exists or not."""
    return platformdirs.user_config_path("longwire", appauthor=False) / "policy.toml"


def state_folder() -> Path:
    """`longwire` in the per-user state folder of the platform: what outlives a host and is no setting."""
    return platformdirs.user_state_path("longwire", appauthor=False)


def durable_folder() -> Path:
    """Where durable requests are kept, and their responses."""
    return state_folder() / "durable"


def runtime_folder(uid: int, platform: str = sys.platform) -> Path | None:
    """What the session gives this user for sockets, and takes away at its end; None where it gives nothing."""
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    if named.startswith("/"):
        return Path(named)
    # A browser that something else than the session started is not told.
    usual = Path(f"/run/user/{uid}")
    return usual if platform == "linux" and usual.is_dir() else None
