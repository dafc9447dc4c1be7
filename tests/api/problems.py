"""The stable codes of problem documents: those that are declared, and those that the code makes."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from bonafide import errors

ROOT = Path(__file__).resolve().parents[2]
DECLARED = frozenset((ROOT / "docs/contracts/problems-v1.txt").read_text().split())
# What makes an error of its first argument, besides the errors themselves.
MAKERS = {"refuse", "_refusal"}


def made() -> set[str]:
    """Every code that the product can answer with."""
    sources = (ROOT / "layers/core/python/bonafide").rglob("*.py")
    return {code for path in sources for code in _codes(path)} | set(_refusals())


def _refusals() -> Iterator[str]:
    """What API Gateway answers by itself; read as text, since importing CDK takes seconds."""
    for node in ast.walk(ast.parse((ROOT / "stacks/platform/api.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "GatewayRefusal":
            yield str(ast.literal_eval(node.args[1]))


def _codes(path: Path) -> Iterator[str]:
    names = {name for name, _ in inspect.getmembers(errors, inspect.isclass)} | MAKERS
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            inside_of_an_error = path.name == "errors.py" and ast.unparse(node.func) == "super().__init__"
            if inside_of_an_error or (isinstance(node.func, ast.Name) and node.func.id in names):
                yield str(node.args[0].value)
