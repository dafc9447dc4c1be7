"""Starts a function as Lambda would, and prints the variables that it reads: `python -m tests.stacks.starts HANDLER`.

Then starts it again without each one of them, and prints the error of each start.
"""

import importlib.util
import json
import os
import sys
from collections import UserDict
from pathlib import Path
from typing import Any

PREFIX = "BONAFIDE_"


class Recorder(UserDict[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: Any) -> bool:
        self.read.add(name)
        return super().__contains__(name)


def start(handler: Path, variables: dict[str, str]) -> set[str]:
    """Returns the product's variables that are read, also those that are not set."""
    environment = Recorder(variables)
    os.environ = environment  # type: ignore[assignment]  # noqa: B003, a stand-in with a memory
    for name in [each for each in sys.modules if each.startswith("bonafide.")]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location("handler", handler)
    assert spec
    assert spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return {name for name in environment.read if name.startswith(PREFIX)}


def failure(handler: Path, variables: dict[str, str]) -> str:
    try:
        start(handler, variables)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main(handler: Path) -> None:
    variables = dict(os.environ)
    read = sorted(start(handler, variables))
    without = {left_out: {name: value for name, value in variables.items() if name != left_out} for left_out in read}
    sys.stdout.write(
        json.dumps({"read": read, "without": {name: failure(handler, each) for name, each in without.items()}})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
