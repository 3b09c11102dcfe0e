"""Figures that the suite prints at its end, whoever ran which part of it."""

FIGURES: list[str] = []


def say(figure: str) -> None:
    """Have a line printed after the last test; the same line once."""
    if figure not in FIGURES:
        FIGURES.append(figure)
