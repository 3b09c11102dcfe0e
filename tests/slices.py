"""Matrices of which `make test` runs a slice and `make test-all` the whole."""

import os
from collections.abc import Collection, Mapping
from typing import Any

import pytest


def sliced(cells: Mapping[str, Any], *quick: str, several: bool = False) -> list[Any]:
    """A parameter for each cell, named as there; those that are not `quick` are long. `several` unpacks tuples."""
    assert quick and cells.keys() >= set(quick), "no such cell"
    return [
        pytest.param(*(cell if several else [cell]), id=name, marks=() if name in quick else pytest.mark.long)
        for name, cell in cells.items()
    ]


def sliced_values(cells: Collection[Any], *quick: Any) -> list[Any]:
    """The same for values that name themselves."""
    assert quick and set(quick) <= set(cells), "no such cell"
    return [pytest.param(cell, marks=() if cell in quick else pytest.mark.long) for cell in cells]


# `make test-all` says so, to the extension's tests by the same name (extension/test/effort.ts).
WHOLE = os.environ.get("LONGWIRE_TEST_ALL") == "1"


def times(whole: int, quick: int) -> int:
    """How many examples of a property to try: `whole`, or in `make test` `quick`."""
    return whole if WHOLE else quick
