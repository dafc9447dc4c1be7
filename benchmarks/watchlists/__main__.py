"""Measures the search of watchlists: `OPENBLAS_NUM_THREADS=1 python -m benchmarks.watchlists`.

One voice against 1,000, 10,000 and 100,000 entries: processor time of a search, of a cold load from packed voices, of
one changed entry, and the memory that a process with these voices has above one without. Objects lie in memory: what S3
takes to hand them over is not in it, and nothing is said of it.
"""

import multiprocessing

from benchmarks.watchlists.measuring import measured

SIZES = (1_000, 10_000, 100_000)


def main() -> None:
    """Runs the measurements, each size in a process of its own, and prints them."""
    print(f"{'entries':>8} {'search':>10} {'cold load':>10} {'one change':>11} {'vectors':>9} {'memory':>8}")
    for size in SIZES:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            search, load, change, vectors, memory = process.apply(measured, (size,))
        print(
            f"{size:8} {search:7.2f} ms {load:7.0f} ms {change:8.1f} ms {vectors:6.1f} MB {memory:5.0f} MB", flush=True
        )


if __name__ == "__main__":
    main()
