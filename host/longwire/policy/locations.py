"""Where policy files lie. Fixed places: nothing in the environment replaces or widens the administrator's."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

# Whose policy file.
Source = Literal["administrator", "user"]


@dataclass(frozen=True, slots=True)
class Locations:
    """The administrator's file and the user's."""

    administrator: Path
    user: Path


def default_locations(platform: str = sys.platform) -> Locations:
    """The files of this system and this user, whether they exist or not."""
    return Locations(administrator=_administrator(platform), user=_user())


def _administrator(platform: str) -> Path:
    if platform == "win32":
        # Literally: %ProgramFiles% is the user's to set.
        return Path("C:/Program Files/Longwire/policy.toml")
    if platform == "darwin":
        return Path("/Library/Application Support/Longwire/policy.toml")
    return Path("/etc/longwire/policy.toml")


def _user() -> Path:
    return platformdirs.user_config_path("longwire", appauthor=False) / "policy.toml"


def state_folder() -> Path:
    """`longwire` in the per-user state folder of the platform: what outlives a host and is no setting."""
    return platformdirs.user_state_path("longwire", appauthor=False)
