import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.synthesis import ROOT
from tests.hosted import HOSTED

# Whoever runs the tests in the background may have them ignore interrupts, which make would inherit.
MAKE = ["env", "--default-signal=INT", "make", "-f", "/dev/null", "--eval"]
COMMAND = f"{sys.executable} -m local.serve --port 0 --follow-parent"
FUNCTIONS = len(list((ROOT / "functions").glob("*/handler.py")))


def descendants(pid: int) -> set[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    own = {int(each) for path in files for each in path.read_text().split()}
    return own.union(*map(descendants, own))


def runs(pid: int) -> bool:
    """Tells whether a process has not ended; its parent may not have asked for its status yet."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@HOSTED
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_serving_says_where_and_ends_with_the_make_that_started_it(
    assembly: Path, tmp_path: Path, number: signal.Signals
) -> None:
    environment = {"TMPDIR": str(tmp_path), "PATH": os.defpath}
    command = [*MAKE, f"serve: ; @exec {COMMAND}", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as make:
        assert make.stdout
        line = make.stdout.readline()
        processes = descendants(make.pid)
        make.send_signal(number)
        # Ends when the last process that could write has gone.
        rest = make.stdout.read()
    assert line.startswith("endpoint: http://127.0.0.1:")
    assert rest.startswith("console: http://127.0.0.1:")
    # Beside the functions: the service itself and its emulator.
    assert len(processes) == FUNCTIONS + 2
    assert "whoever sends requests without a signature is taken for" in rest
    # Python closes its output shortly before it ends.
    until = time.monotonic() + 10
    while any(map(runs, processes)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in processes if runs(pid)]
    assert not list(tmp_path.iterdir())
