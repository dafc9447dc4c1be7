"""Command-line selection by name."""

import argparse
from collections.abc import Sequence
from typing import Protocol


class Named(Protocol):
    """An item with a name."""

    @property
    def name(self) -> str:
        """Unique name."""


def choose[T: Named](items: Sequence[T], kind: str, program: str, description: str) -> list[T]:
    """Returns the items that the command line names, in their given order; all by default.

    Raises:
        SystemExit: a name is unknown.
    """
    names = [item.name for item in items]
    parser = argparse.ArgumentParser(prog=program, description=description)
    known = ", ".join(names)
    parser.add_argument("chosen", nargs="*", metavar=kind.upper(), help=f"some of {known}; all by default")
    chosen = parser.parse_args().chosen or names
    if unknown := set(chosen) - set(names):
        parser.error(f"no {kind} {', '.join(sorted(unknown))}; there are {known}")
    return [item for item in items if item.name in chosen]
