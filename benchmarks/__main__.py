"""Runs every benchmark: `make bench`."""

import subprocess
import sys

# Each in a process of its own, so that none inherits the threads or the memory of another.
for name in ("graphs", "handler", "service", "stream"):
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
    print(flush=True)
