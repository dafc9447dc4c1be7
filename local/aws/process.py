"""Child processes that end with their parent."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GUARD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class ChildProgram:
    """A Python program and its environment.

    Attributes:
        module: a Python module that runs as a program.
        arguments: its arguments.
        environment: all its variables; none is inherited.
        folder: its working directory.
        isolated: whether it sees only the packages on PYTHONPATH.
        files: file descriptors that it inherits.
    """

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    isolated: bool = False
    files: Sequence[int] = ()


def start(program: ChildProgram, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a program in a process group of its own, which an interrupt of the terminal does not reach.

    The kernel ties the child to the *thread* that starts it; the thread therefore has to outlive the child.
    """
    command = [sys.executable, "-P", *(["-S"] if program.isolated else []), str(GUARD), str(os.getpid())]
    return subprocess.Popen(
        [*command, program.module, *program.arguments],
        env=dict(program.environment),
        cwd=program.folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=program.files,
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kills a process with its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
