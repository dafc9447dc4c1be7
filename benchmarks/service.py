"""Measures cold start, memory and size of the deployed functions: `python -m benchmarks.service`.

Cold starts are those of AWS's own runtime interface emulator, which reports how long the initialization took; the
files are in the page cache, compiled files of the product are not there, as they are not in AWS.
"""

import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.handler import audio, authenticate, enroll
from layers.golden.readers import RATE, load
from layers.packages import PinnedPackage, fetch
from local.aws.functions.function import FunctionDefinition, LambdaFunction
from local.aws.process import ChildProgram
from local.runner import Deployment, deployment

SAM = PinnedPackage(
    name="aws-sam-cli",
    version="1.170.0",
    file="aws_sam_cli-1.170.0-py3-none-any.whl",
    sha256="24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf",
    licence="Apache-2.0",
)
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"
STARTS = 5
LONGEST = 60
INIT_REPORT = re.compile(rb"INIT REPORT\(durationMs: ([\d.]+)\)")


def main() -> None:
    """Prints the three tables."""
    with deployment() as running:
        print_cold_starts(running)
        print_memory(running)
        print_sizes(running)


def print_cold_starts(running: Deployment) -> None:
    """Prints how long each function takes to initialize."""
    emulator = runtime_interface_emulator()
    print(f"cold start under AWS's runtime interface emulator, {STARTS} starts each")
    print(f"{'function':<22} {'median ms':>10} {'worst ms':>9}")
    for name, function in running.functions.items():
        starts = [init_ms(emulator, function.program) for _ in range(STARTS)]
        print(f"{name:<22} {statistics.median(starts):>10.0f} {max(starts):>9.0f}", flush=True)


def runtime_interface_emulator() -> Path:
    """Returns the emulator, out of the package that ships it."""
    target = Path(".build/cache/aws-lambda-rie").absolute()
    with zipfile.ZipFile(fetch(SAM)) as wheel:
        target.write_bytes(wheel.read(EMULATOR))
    target.chmod(0o755)
    return target


def init_ms(emulator: Path, program: ChildProgram) -> float:
    """Starts a function once, with an event that it need not understand; returns the reported milliseconds."""
    with tempfile.TemporaryFile() as log:
        with emulated(emulator, program, log.fileno()) as port:
            url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
            with urllib.request.urlopen(url, data=b"{}", timeout=60) as response:
                response.read()
        log.seek(0)
        found = INIT_REPORT.search(log.read())
    if not found:
        raise RuntimeError("the emulator reported no initialization")
    return float(found[1])


@contextmanager
def emulated(emulator: Path, program: ChildProgram, log: int) -> Iterator[int]:
    """Runs a function under the emulator; yields the port that takes invocations."""
    port, runtime_port = free_ports(2)
    command = [str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    command += [sys.executable, "-P", "-S", "-m", program.module, *program.arguments]
    process = subprocess.Popen(
        command, env=dict(program.environment), cwd=program.folder, stdout=log, stderr=log, start_new_session=True
    )
    try:
        wait_for(port)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_ports(count: int) -> list[int]:
    """Returns ports that are not in use."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_for(port: int) -> None:
    """Waits until a port accepts connections."""
    for _ in range(500):
        with socket.socket() as probe:
            probe.settimeout(0.02)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the emulator does not listen")


def print_memory(running: Deployment) -> None:
    """Prints the peak memory of each function's process, after the longest recording that is taken."""
    reader = next(iter(load().values()))
    speech = np.resize(np.concatenate(reader.clips), LONGEST * RATE)
    enroll(running, speech)
    authenticate(running, {"audio": audio(speech)})
    print(f"\npeak resident memory after a call of {LONGEST} s")
    for name, function in running.functions.items():
        print(f"{name:<22} {max(map(peak_mb, function.processes())):>7.0f} MB of {function.definition.memory}")


def peak_mb(pid: int) -> float:
    """Returns the peak memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def print_sizes(running: Deployment) -> None:
    """Prints the unpacked size of each function; AWS's limit is 262 MB."""
    print("\nunpacked size, MB")
    for name, function in running.functions.items():
        parts = [(label(path), size_mb(path)) for path in folders(function)]
        total = sum(size for _, size in parts)
        print(f"{name:<22} {total:>6.1f} = " + " + ".join(f"{size:.1f} {part}" for part, size in parts))


def folders(function: LambdaFunction) -> list[Path]:
    """Lists the code and the layers of a function."""
    definition: FunctionDefinition = function.definition
    return [definition.code, *definition.layers]


def label(folder: Path) -> str:
    """Names a part by its content."""
    layers = {"python/bonafide": "core", "python/boto3": "runtime", "bundle": "models", "golden": "golden calls"}
    marks = {"handler.py": "code", **layers}
    return next(name for mark, name in marks.items() if (folder / mark).exists())


def size_mb(folder: Path) -> float:
    """Returns the size of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
