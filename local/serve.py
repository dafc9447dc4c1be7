"""Runs Bonafide on this machine until it is interrupted: `python -m local.serve [--port N]`.

It takes promotions: what the registry is asked for is released here, as on AWS, and printed.
"""

import argparse
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from local.aws.api.identity import LOCAL
from local.aws.child import die_with
from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.promotion.serving import promoting
from local.runner import Deployment


def main() -> None:
    """Prints the endpoint when it answers, the console, and whose requests are taken; removes all when it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=_free, default=0)
    parser.add_argument("--stage", default="dev")
    parser.add_argument("--pace", type=float, default=1, help="seconds of a release per real second")
    parser.add_argument("--signed", action="store_true", help="refuse requests without a signature, as AWS does")
    parser.add_argument("--follow-parent", action="store_true", help="end when make is killed or interrupted")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if arguments.follow_parent:
        die_with(os.getppid(), signal.SIGTERM)
    with promoting(arguments.port, arguments.stage, arguments.pace, signed_only=arguments.signed) as running:
        print(f"endpoint: {running.endpoint}\nconsole: {running.console}", flush=True)
        print(_senders(running, signed_only=arguments.signed), flush=True)
        if arguments.follow_parent:
            _follow(os.getppid())
        else:
            signal.pause()


def _senders(running: Deployment, *, signed_only: bool) -> str:
    """Says whose requests are answered."""
    unsigned = (
        "requests without a signature are refused"
        if signed_only
        else f"whoever sends requests without a signature is taken for {LOCAL}, administrator of every domain"
    )
    keys = f"keys of users and roles: IAM and STS at {running.emulator.endpoint}, region {REGION}"
    return f"{unsigned}; every signature is verified\n{keys}, as {ACCOUNT} with the secret {SECRET}"


def _free(text: str) -> int:
    """Reads a free port; 0 stands for any."""
    try:
        with socket.create_server(("127.0.0.1", int(text))):
            return int(text)
    except (ValueError, OverflowError, OSError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _follow(parent: int) -> None:
    """Waits until the parent process, `make`, is interrupted.

    A terminal interrupts make and its children alike. A signal to make alone is not passed on: make then waits in its
    handler for the children to end, which shows in its mask of blocked signals.
    """
    while not _blocked(parent) >> (signal.SIGINT - 1) & 1:
        time.sleep(0.1)


def _blocked(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"SigBlk:\s+(\w+)", status)[0], 16)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Begins the cleanup, which a second signal must not interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
