"""Runs every benchmark: `make bench`."""

import subprocess
import sys

# Each in a process of its own, so that none inherits the threads or the memory of another.
for name, *arguments in (
    ("graphs",),
    ("handler",),
    ("service",),
    ("telemetry",),
    ("stream", "--minutes", "5", "--rate", "8000"),
):
    print(" ".join(("==", name, *arguments)), flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=True)
    print(flush=True)
