"""Builds the layer of third-party packages: `python -m layers.runtime.build`.

The content depends on nothing but the lock, this file and the Python that compiles it, so that the asset keeps its hash
from one machine to the next. Compiled files are shipped because /opt is read-only: without them every cold start would
compile everything again. They carry no source time stamp (PEP 552, unchecked), which is what makes them reproducible.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
OUT = Path(".build/layers/runtime")

# onnxruntime comes as manylinux_2_28 only, which the python3.12 runtime (Amazon Linux 2023) satisfies.
PLATFORM = "x86_64-manylinux_2_28"

# Services that the functions call. Any other description costs size, and no function may use it unnoticed.
SERVICES = frozenset({"codedeploy", "dynamodb", "events", "kinesis", "kms", "lambda", "s3", "sts"})

UNUSED = (
    "bin",
    "**/tests",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/*.h",
    "**/*.lib",
    "**/*.a",
    "**/examples-1.json",
    "numpy/f2py",
    "numpy/polynomial",
    "numpy/testing",
    "onnxruntime/backend",
    # For programs in C; the module of Python has all of it, and is not linked to it.
    "onnxruntime/capi/libonnxruntime.so.*",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "G722_debug.*.so",
    "opusdec.py",
    "opusenc.py",
    "wrapt-stubs",
    # These differ from one installation to the next.
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/uv_cache.json",
    ".lock",
    "CACHEDIR.TAG",
)


def digest() -> str:
    """Returns the digest of everything that the content of the layer depends on."""
    parts = [(HERE / "requirements.txt").read_bytes(), Path(__file__).read_bytes(), sys.version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def install(target: Path) -> None:
    """Installs the locked wheels for Lambda's platform, whatever platform this machine is."""
    command = ["uv", "pip", "install", "--quiet", "--target", str(target), "--python-platform", PLATFORM]
    command += ["--python-version", "3.12", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    command += ["--link-mode", "copy", "--no-compile-bytecode", "-r", str(HERE / "requirements.txt")]
    subprocess.run(command, check=True, env=os.environ | {"PATH": _path_with_uv()})


def _path_with_uv() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def unused(target: Path) -> Iterator[Path]:
    """Yields the files and folders that no function needs."""
    for pattern in UNUSED:
        yield from target.glob(pattern)
    yield from (folder for folder in (target / "botocore/data").glob("*/") if folder.name not in SERVICES)


def remove(paths: Iterable[Path]) -> None:
    """Deletes files and folders, some of which may lie in one another."""
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compile_sources(target: Path) -> None:
    """Compiles in one process and a fixed order, with paths as they are in Lambda."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(target), "-p", "/opt/python", str(target)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0"})


def build(out: Path) -> bool:
    """Builds the layer into `out`; returns False when it was up to date."""
    stamp = out.with_suffix(".digest")
    if stamp.exists() and stamp.read_text() == digest():
        return False
    stamp.unlink(missing_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    target = out / "python"
    install(target)
    remove(unused(target))
    compile_sources(target)
    stamp.write_text(digest())
    return True


def main() -> None:
    """Runs the build from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    state = "built" if build(out) else "up to date"
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"runtime layer {state}: {out}, {size / 1e6:.0f} MB unpacked")


if __name__ == "__main__":
    main()
