"""Runs Bonafide on this machine until it is interrupted: `python -m local.serve [--port N]`."""

import argparse
import os
import signal
import sys
from types import FrameType

from local.child import die_with
from local.runner import deployment


def main() -> None:
    """Prints one line with the endpoint when it answers, and leaves nothing behind when it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--follow-parent", action="store_true", help="end when whoever started this is killed")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if arguments.follow_parent:
        die_with(os.getppid(), signal.SIGTERM)
    with deployment(arguments.port, stage=arguments.stage) as running:
        print(f"endpoint: {running.endpoint}", flush=True)
        signal.pause()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Unwinds everything; a second signal must not interrupt that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
