"""Imports that the design allows, and the sizes that it keeps to."""

import ast
import statistics
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "layers/core/python/bonafide"

# The package from the bottom up: a part imports itself and parts above it in this list, never one below.
ORDER = (
    ("errors", "settings", "observability"),
    ("access", "audio", "biometrics"),
    ("records",),
    ("ports",),
    ("services",),
    ("contracts",),
    ("http", "stream_consumer", "table_consumer"),
    ("adapters",),
    ("probes",),
    ("bootstrap",),
)
# Within one line of that list: part -> what it may import of its neighbors. Audio names the band of speech, and decodes
# nothing that biometrics knows.
NEIGHBORS = {
    "access": set[str](),
    "audio": {"biometrics.evidence"},
    "biometrics": set[str](),
    "stream_consumer": set[str](),
    "table_consumer": set[str](),
}
# Narrower than the list: adapters know the contract's events and nothing of use cases; the consumer knows no HTTP.
NOT = {
    "adapters": {"services", "http", "stream_consumer"},
    "stream_consumer": {"http"},
    "table_consumer": {"http"},
    "contracts": {"ports"},
}
# Use cases stand on shared building blocks; those of streaming also on the judge of sessions and on admission control,
# those of enrollment on contributions and consent.
SERVICES = {"shared", "enrollment.consent", "enrollment.contribution"} | {
    f"streaming.{name}" for name in ("claims", "judging", "admission", "backlog")
}

# Third-party package -> where in the repository it may be imported.
ONLY_IN = {
    "boto3": ("layers/core/python/bonafide/adapters", "layers/core/python/bonafide/bootstrap"),
    "botocore": ("layers/core/python/bonafide/adapters", "layers/core/python/bonafide/bootstrap", "client"),
    # Only probes have it in their layer.
    "bonafide_client": (
        "layers/core/python/bonafide/adapters/api.py",
        "layers/core/python/bonafide/bootstrap/probes.py",
        "client",
    ),
    # The voices that make spoofed speech are models of others.
    "onnxruntime": (
        "layers/core/python/bonafide/adapters",
        "layers/core/python/bonafide/bootstrap",
        "training/corpus/synthesis/voices.py",
    ),
    "torch": ("training",),
}
TOOLS = ("local", "ops", "benchmarks", "tests", "layers/golden", "layers/model", "layers/runtime")
PROJECT = ("bonafide", "functions", "stacks", "training", "local", "ops", "benchmarks", "layers", "tests")
OUTSIDE = {  # folder of the repository -> what of the project it may import
    "functions": ("bonafide.",),
    "stacks": ("stacks", "training.pipeline"),
    "client": ("bonafide_client",),
    "ops": ("ops", "bonafide", "layers", "stacks", "training", "bonafide_client"),
    "layers": ("layers", "bonafide"),
    "training": (
        "training",
        "bonafide.biometrics",
        "bonafide.audio",
        "bonafide.errors",
        "bonafide.adapters.onnx",
        "layers.golden.readers",
        "layers.packages",
        "layers.model.filterbank",  # the interpolator that serves
    ),
}
LONGEST_FILE = 300
MOST_MODULES = 15


@cache
def python_files(*folders: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.exists() and (not folders or path.relative_to(ROOT).parts[0] in folders)]


def product_files() -> list[Path]:
    return [path for path in python_files() if path.relative_to(ROOT).parts[0] != "tests"]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(tree(path)))


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, prefixes: set[str] | tuple[str, ...]) -> bool:
    return any(name == prefix.rstrip(".") or name.startswith(prefix.rstrip(".") + ".") for prefix in prefixes)


def level(part: str) -> int:
    return next(number for number, parts in enumerate(ORDER) if part in parts)


def may_import(module: str, name: str) -> bool:
    """Whether a module of the package may import a name of it, both without `bonafide.`."""
    part, other = module.split(".", maxsplit=1)[0], name.split(".", maxsplit=1)[0]
    if other in NOT.get(part, set()):
        return False
    if part == other:
        return True
    if level(part) == level(other):
        return part not in NEIGHBORS or is_within(name, NEIGHBORS[part])
    return level(other) < level(part)


def names_of_the_package(path: Path) -> Iterator[tuple[str, str]]:
    module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
    for name in imports(path):
        inner = name.removeprefix("bonafide.")
        if is_within(name, ("bonafide",)) and inner not in {"bonafide", "__version__"}:
            yield module, inner


def test_every_part_of_the_package_has_its_place() -> None:
    parts = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert parts - {"__init__"} == {part for line in ORDER for part in line}


def test_no_part_of_the_package_imports_upwards() -> None:
    found = [pair for path in sorted(PACKAGE.rglob("*.py")) for pair in names_of_the_package(path)]
    assert [f"{module} imports {name}" for module, name in found if not may_import(module, name)] == []


def test_use_cases_do_not_import_each_other() -> None:
    found = [pair for path in sorted((PACKAGE / "services").rglob("*.py")) for pair in names_of_the_package(path)]
    strays = [
        f"{module} imports {name}"
        for module, name in found
        if is_within(name, ("services",)) and not is_within(name.removeprefix("services."), SERVICES)
    ]
    assert strays == []


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
    files = [path for path in python_files(folder) if not path.is_relative_to(PACKAGE)]
    found = {name for path in files for name in imports(path) if is_within(name, (*PROJECT, "bonafide_client"))}
    assert {name for name in found if not is_within(name, OUTSIDE[folder]) and not is_package_of(name, folder)} == set()


def is_package_of(name: str, folder: str) -> bool:
    """`from bonafide.adapters import onnx` names the package on the way to the module."""
    return name in {"bonafide", "bonafide.adapters", "layers"} and folder == "training"


def test_the_product_never_imports_its_tools() -> None:
    product = [*PACKAGE.rglob("*.py"), *python_files("functions", "stacks", "client")]
    assert [path for path in product if any(is_within(name, TOOLS[:4]) for name in imports(path))] == []


def test_handlers_of_routes_have_at_most_5_lines() -> None:
    for path in python_files("functions"):
        statements = [node for node in tree(path).body if isinstance(node, ast.FunctionDef)]
        assert all(body_lines(node) <= 5 for node in statements), path


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_function_bodies_stay_short() -> None:
    lengths = sorted(
        (body_lines(node), f"{path.relative_to(ROOT)}:{node.name}")
        for path in python_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [entry for entry in lengths if entry[0] > 40] == []
    assert statistics.median(length for length, _ in lengths) <= 6
    assert lengths[int(len(lengths) * 0.9)][0] <= 20


def test_files_stay_short() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in product_files()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_folders_hold_few_modules() -> None:
    modules = Counter(path.parent.relative_to(ROOT).as_posix() for path in product_files() if path.stem != "__init__")
    assert {folder: number for folder, number in modules.items() if number > MOST_MODULES} == {}


def test_every_part_of_the_cdk_that_is_imported_has_its_types_checked() -> None:
    """The settings of mypy skip the others; what is skipped by mistake would be `Any` without a word."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (checked,) = [each["module"] for each in overrides if each.get("follow_imports") == "normal"]
    imported = {name for path in python_files() for name in imports(path) if name.startswith("aws_cdk.aws_")}
    assert {name for name in imported if ".".join(name.split(".")[:2]) not in checked} == set()
