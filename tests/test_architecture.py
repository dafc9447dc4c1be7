"""Who may import whom, and how long a function may be."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "layers/core/python/bonafide"

EVERYTHING = {"*"}
# Module of bonafide -> modules of bonafide that it may import. Prefixes cover what is below them.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "settings": set(),
    "observability": set(),
    "openapi": set(),
    "biometrics": {"biometrics", "errors"},
    "audio": {"audio", "errors", "biometrics.evidence"},
    "contracts": {"biometrics"},
    "ports": {"biometrics", "audio.waveform"},
    "events": {"contracts", "errors"},
    "http": {"contracts", "errors", "observability"},
    "services": {"services", "events", "biometrics", "audio", "ports", "contracts", "errors", "observability"},
    "adapters": {"adapters", "biometrics", "audio", "ports", "errors", "observability"},
    "stream": {"errors", "observability", "ports", "services"},
    "bootstrap": EVERYTHING,
}
# Third-party package -> where in the repository it may be imported.
ONLY_IN = {
    "boto3": ("layers/core/python/bonafide/adapters", "layers/core/python/bonafide/bootstrap"),
    "botocore": ("layers/core/python/bonafide/adapters", "layers/core/python/bonafide/bootstrap"),
    # The voices that make spoofed speech are models of others.
    "onnxruntime": (
        "layers/core/python/bonafide/adapters",
        "layers/core/python/bonafide/bootstrap",
        "training/corpus/synthesis/voices.py",
    ),
    "torch": ("training",),
}
TOOLS = ("local", "benchmarks", "tests", "layers/golden", "layers/model", "layers/runtime")
OUTSIDE = {  # folder of the repository -> what of the project it may import
    "functions": ("bonafide.",),
    "stacks": ("stacks",),
    "training": (
        "training",
        "bonafide.biometrics",
        "bonafide.audio",
        "bonafide.errors",
        "bonafide.adapters.onnx",
        "layers.packages",  # packages by their digests, in one way
        "layers.model.filterbank",  # the interpolator that serves
    ),
}


def python_files(*folders: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.exists() and (not folders or path.relative_to(ROOT).parts[0] in folders)]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, prefixes: set[str] | tuple[str, ...]) -> bool:
    return any(name == prefix.rstrip(".") or name.startswith(prefix.rstrip(".") + ".") for prefix in prefixes)


def package_violations() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        allowed = ALLOWED.get(module.split(".")[0], set())
        for name in imports(path):
            inner = name.removeprefix("bonafide").removeprefix(".")
            judged = is_within(name, ("bonafide",)) and inner not in {"", "__version__"} and allowed != EVERYTHING
            if judged and not any(is_within(inner, (prefix,)) or is_within(prefix, (inner,)) for prefix in allowed):
                yield f"{module} imports {name}"


def test_inside_the_package_modules_import_only_what_the_design_allows() -> None:
    assert list(package_violations()) == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_heavy_libraries_stay_where_they_belong(library: str) -> None:
    strays = [
        path.relative_to(ROOT).as_posix()
        for path in python_files()
        if any(is_within(name, (library,)) for name in imports(path))
    ]
    assert [path for path in strays if not path.startswith((*ONLY_IN[library], *TOOLS))] == []


@pytest.mark.parametrize("folder", OUTSIDE)
def test_folders_import_only_their_share_of_the_project(folder: str) -> None:
    project = ("bonafide", "functions", "stacks", "training", "local", "benchmarks", "layers", "tests")
    found = {name for path in python_files(folder) for name in imports(path) if is_within(name, project)}
    assert {name for name in found if not is_within(name, OUTSIDE[folder]) and not is_package_of(name, folder)} == set()


def is_package_of(name: str, folder: str) -> bool:
    """`from bonafide.adapters import onnx` names the package on the way to the module."""
    return name in {"bonafide", "bonafide.adapters", "layers.model"} and folder == "training"


def test_the_product_never_imports_its_tools() -> None:
    product = [*PACKAGE.rglob("*.py"), *python_files("functions", "stacks")]
    assert [
        path for path in product if any(is_within(name, ("local", "benchmarks", "tests")) for name in imports(path))
    ] == []


def test_what_answers_a_route_has_at_most_5_lines() -> None:
    for path in python_files("functions"):
        statements = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        assert all(body_lines(node) <= 5 for node in statements), path


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_function_bodies_stay_short() -> None:
    lengths = sorted(
        (body_lines(node), f"{path.relative_to(ROOT)}:{node.name}")
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [entry for entry in lengths if entry[0] > 40] == []
    assert statistics.median(length for length, _ in lengths) <= 6
    assert lengths[int(len(lengths) * 0.9)][0] <= 20
