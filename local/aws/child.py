"""Runs a module in a process that cannot outlive its parent: `python child.py PARENT MODULE [ARGUMENT ...]`.

A script rather than a hook between fork and exec, which is not safe in a process with threads.
"""

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int, number: int) -> None:
    """Asks the kernel for a signal when the parent goes, which it may have done in the meantime."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("the parent is gone")


def main() -> None:
    """Becomes the module, with its arguments as its own."""
    parent, module, *arguments = sys.argv[1:]
    die_with(int(parent), signal.SIGKILL)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
