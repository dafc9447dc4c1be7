"""Runs a module in a process that cannot outlive its parent: `python child.py PARENT MODULE [ARGUMENT ...]`.

This is a script, since a hook between fork and exec is not safe in a process with threads.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int, number: int) -> None:
    """Asks the kernel for a signal when the parent exits, and exits if it already has."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("the parent has exited")


def main() -> None:
    """Runs the module with its arguments."""
    parent, module, *arguments = sys.argv[1:]
    die_with(int(parent), signal.SIGKILL)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
