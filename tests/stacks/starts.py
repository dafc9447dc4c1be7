"""Starts functions as Lambda would, and prints the variables that each reads: `python -m tests.stacks.starts`.

Takes JSON of variables by handler. Starts each handler again without each one of the variables that it read, and prints
the error of each start. One process starts all of them, since most of a start is to import what others made.
"""

import importlib.util
import json
import os
import sys
from collections import UserDict
from typing import Any, ClassVar

import onnxruntime

PREFIX = "BONAFIDE_"
ORIGINAL = onnxruntime.InferenceSession


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


class OpenedOnce(onnxruntime.InferenceSession):  # type: ignore[misc]
    """A graph that is opened once for all starts of all functions; nothing is asked of it."""

    opened: ClassVar[dict[bytes, onnxruntime.InferenceSession]] = {}

    def __new__(cls, model: bytes, *_: Any, **__: Any) -> Any:
        if model not in cls.opened:
            cls.opened[model] = ORIGINAL(model, providers=["CPUExecutionProvider"])
        return cls.opened[model]


def start(handler: str, variables: dict[str, str], anew: str = "bonafide.") -> set[str]:
    """Returns the product's variables that are read, also those that are not set.

    Args:
        handler: path of the module.
        variables: the whole environment.
        anew: beginning of the names of the modules that are imported anew.
    """
    environment = Recorder(variables)
    os.environ = environment  # type: ignore[assignment]  # noqa: B003, a stand-in with a memory
    for name in [each for each in sys.modules if each.startswith(anew)]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location("handler", handler)
    assert spec
    assert spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return {name for name in environment.read if name.startswith(PREFIX)}


def failure(handler: str, variables: dict[str, str]) -> str:
    """Returns the error of a start; settings are read by the composition, so only that is imported anew."""
    try:
        start(handler, variables, anew="bonafide.bootstrap")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def started(handler: str, variables: dict[str, str]) -> dict[str, Any]:
    read = sorted(start(handler, variables))
    without = {left_out: {name: value for name, value in variables.items() if name != left_out} for left_out in read}
    return {"read": read, "without": {name: failure(handler, each) for name, each in without.items()}}


if __name__ == "__main__":
    own = dict(os.environ)
    onnxruntime.InferenceSession = OpenedOnce
    json.dump({each: started(each, own | given) for each, given in json.load(sys.stdin).items()}, sys.stdout)
