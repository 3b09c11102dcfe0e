"""Names that a package gives, each loaded when somebody first asks for it (PEP 562).

A package's names are what a reader and a type checker see of it; that one of them is asked for should not load them
all. What a started host loads of them, and when, `native/loading.py` says.
"""

import sys
from collections.abc import Callable
from importlib import import_module


def later(package: str, **names: str) -> Callable[[str], object]:
    """The package's `__getattr__`. `names` are, for each of its modules, those that come from there, with spaces.

    Raises:
        AttributeError: from what is returned, for every other name.
    """
    home_of = {name: module for module, listed in names.items() for name in listed.split()}

    def get(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next one finds it there
        return value

    return get
