"""Child processes that leave nothing behind."""

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
    """What to run.

    Attributes:
        module: a Python module that runs as a program.
        arguments: its arguments.
        environment: its whole environment; nothing is inherited.
        folder: its working directory.
        isolated: whether it sees no installed package but those on PYTHONPATH.
        files: descriptors that it inherits.
    """

    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    isolated: bool = False
    files: Sequence[int] = ()


def start(program: ChildProgram, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a program in a process group of its own, so that an interrupt reaches only whoever runs it.

    The kernel ties the child to the *thread* that starts it, which therefore has to live as long as the child may.
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
    """Ends a process with everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
