"""Writes the recordings that callers play: `python -m benchmarks.load.speech FOLDER`."""

import sys
from pathlib import Path

from layers.golden.readers import keep, load

if __name__ == "__main__":
    keep(load().values(), Path(sys.argv[1]))
