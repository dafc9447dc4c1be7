"""Sends hostile recordings and bodies to the deployed functions: `python -m benchmarks.hostile [--count N] [--seed N]`.

Fails if a process ends, an answer is 5xx, or memory or processor time exceed their bounds.
"""

import argparse
import sys

import numpy as np

from benchmarks.hostile.run import attack, hostile_requests, prepare
from bonafide_client import bodies
from layers.golden.readers import RATE, load, wav
from local.runner import deployment


def main() -> int:
    """Prints what the requests did; returns 1 if a bound was exceeded."""
    parser = argparse.ArgumentParser(description="Send hostile recordings and bodies to the deployed functions.")
    parser.add_argument("--count", type=int, default=10_000, help="requests")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    reader = next(iter(load().values()))
    with deployment() as running:
        session = prepare(running.endpoint, bodies.audio(wav(reader.enrollment[: 50 * RATE])))
        result = attack(running, hostile_requests(given.seed, np.concatenate(reader.clips), session), given.count)
    print(result.report())
    return 0 if result.bounded else 1


if __name__ == "__main__":
    sys.exit(main())
