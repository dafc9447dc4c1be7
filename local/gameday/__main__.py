"""Runs a game day on this machine: `python -m local.gameday [EXERCISE ...]`."""

import sys

from local.gameday.play import main

if __name__ == "__main__":
    sys.exit(main())
