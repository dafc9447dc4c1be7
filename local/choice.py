"""Choosing some of what a command can play by name."""

import argparse
from collections.abc import Sequence
from typing import Protocol


class Named(Protocol):
    """Something that is asked for by its name."""

    @property
    def name(self) -> str:
        """Unique among its like."""


def choose[Play: Named](plays: Sequence[Play], kind: str, program: str, description: str) -> list[Play]:
    """Reads names from the command line and returns what they name, all by default, in the given order.

    Raises:
        SystemExit: a name is unknown.
    """
    names = [play.name for play in plays]
    parser = argparse.ArgumentParser(prog=program, description=description)
    known = ", ".join(names)
    parser.add_argument("chosen", nargs="*", metavar=kind.upper(), help=f"some of {known}; all by default")
    chosen = parser.parse_args().chosen or names
    if unknown := set(chosen) - set(names):
        parser.error(f"no {kind} {', '.join(sorted(unknown))}; there are {known}")
    return [play for play in plays if play.name in chosen]
