"""Where policy files lie. See `longwire.folders`."""

import sys
from pathlib import Path
from typing import Literal, NamedTuple

from longwire.folders import administrator_policy, state_folder, user_policy

__all__ = ["Locations", "Source", "default_locations", "state_folder"]

# Whose policy file.
Source = Literal["administrator", "user"]


class Locations(NamedTuple):
    """The administrator's file and the user's."""

    administrator: Path
    user: Path


def default_locations(platform: str = sys.platform) -> Locations:
    """The files of this system and this user, whether they exist or not."""
    return Locations(administrator=administrator_policy(platform), user=user_policy())
