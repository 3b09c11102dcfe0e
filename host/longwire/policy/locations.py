"""Where policy files lie. See `longwire.folders`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from longwire.folders import administrator_policy, state_folder, user_policy

__all__ = ["Locations", "Source", "default_locations", "state_folder"]

# Whose policy file.
Source = Literal["administrator", "user"]


@dataclass(frozen=True, slots=True)
class Locations:
    """The administrator's file and the user's."""

    administrator: Path
    user: Path


def default_locations(platform: str = sys.platform) -> Locations:
    """The files of this system and this user, whether they exist or not."""
    return Locations(administrator=administrator_policy(platform), user=user_policy())
