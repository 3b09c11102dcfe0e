"""The home of the commands under test."""

from tests.unit.home import home

__all__ = ["home"]
