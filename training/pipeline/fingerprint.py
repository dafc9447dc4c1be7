"""Digests of everything that the output of a stage depends on: files, code, and the command with its parameters."""

import ast
import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path

from training.pipeline.errors import PipelineError
from training.pipeline.graph import PipelineStage

# Where the modules of this project are found, beneath the root.
ROOTS = ("", "layers/core/python")
MODULE = "-m"


@dataclass
class DigestCache:
    """Digests of files, computed once for each size and time of change.

    Attributes:
        file: where they are kept.
        known: size, time of change in ns, and digest, by path.
    """

    file: Path
    known: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "DigestCache":
        """Reads the digests that are known; none when they cannot be read."""
        try:
            return cls(file, {path: tuple(each) for path, each in json.loads(file.read_bytes()).items()})
        except (OSError, ValueError):
            return cls(file)

    def save(self) -> None:
        """Writes the digests."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.file.with_suffix(".part")
        scratch.write_text(json.dumps(self.known), encoding="utf-8")
        scratch.replace(self.file)

    def of(self, path: Path) -> str:
        """Returns the digest of a file, or of all files of a folder with their names.

        Raises:
            FileNotFoundError: there is none.
        """
        if not path.is_dir():
            return self._of_file(path)
        digest = hashlib.sha256()
        for each in sorted(each for each in path.rglob("*") if each.is_file()):
            digest.update(f"{each.relative_to(path).as_posix()} {self._of_file(each)}\n".encode())
        return digest.hexdigest()

    def _of_file(self, path: Path) -> str:
        key, status = str(path.absolute()), path.stat()
        seen = self.known.get(key)
        if seen is None or seen[:2] != (status.st_size, status.st_mtime_ns):
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            self.known[key] = (status.st_size, status.st_mtime_ns, found)
        return self.known[key][2]


def fingerprint(stage: PipelineStage, root: Path, digests: DigestCache) -> dict[str, str]:
    """Returns the digests that a stage's output depends on, by what they are of.

    Raises:
        PipelineError: an input is missing.
    """
    found = {"command": _digest(f"{stage.environment} {stage.command}"), "code": code_digest(stage, root)}
    for name, path in stage.inputs.items():
        try:
            found[f"input {name} ({path})"] = digests.of(root / path)
        except FileNotFoundError as error:
            raise PipelineError(f"{stage.name}: its input {path} is missing") from error
    return found


@dataclass(frozen=True, slots=True)
class ParsedModule:
    """A module of this project.

    Attributes:
        digest: of its code, without comments, docstrings and layout.
        imports: modules and packages that it imports, or names of these.
    """

    digest: str
    imports: list[str]


def code_digest(stage: PipelineStage, root: Path) -> str:
    """Returns the digest of the modules that a command runs, and of all modules of this project that they import.

    Comments, docstrings and layout do not count.
    """
    modules = {name: module.digest for name, _, module in _imported(stage, root)}
    return _digest("\n".join(f"{name} {modules[name]}" for name in sorted(modules)))


def code_files(stage: PipelineStage, root: Path) -> list[Path]:
    """Returns the files of those modules."""
    return [file for _, file, _ in _imported(stage, root)]


def _imported(stage: PipelineStage, root: Path) -> Iterator[tuple[str, Path, ParsedModule]]:
    run = [after for word, after in pairwise(shlex.split(stage.command)) if word == MODULE]
    waiting = [name for each in run for name in (each, f"{each}.__main__")]
    seen = set[str]()
    while waiting:
        name = waiting.pop()
        file = _file(name, root)
        if name in seen or file is None:
            continue
        seen.add(name)
        status = file.stat()
        module = _parsed(file, status.st_size, status.st_mtime_ns)
        waiting += module.imports
        yield name, file, module


@cache
def _parsed(file: Path, _size: int, _changed: int) -> ParsedModule:
    """Reads a module once for each size and time of change in ns: most stages import the same ones."""
    tree = _bare(ast.parse(file.read_text(encoding="utf-8")))
    imports = [above for each in _names(tree) for above in _with_packages(each)]
    return ParsedModule(_digest(ast.dump(tree)), list(dict.fromkeys(imports)))


def _file(module: str, root: Path) -> Path | None:
    place = module.replace(".", "/")
    candidates = (root / above / f"{place}{end}" for above in ROOTS for end in (".py", "/__init__.py"))
    return next((each for each in candidates if each.is_file()), None)


def _with_packages(module: str) -> list[str]:
    """Returns a module, and the packages that it is in, whose code an import of it runs too."""
    return list(accumulate(module.split("."), "{}.{}".format))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _bare(tree: ast.Module) -> ast.Module:
    """Removes docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return tree


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
