"""The speed of this machine by a fixed workload, so that processor times of different machines can be compared."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

# What the workload took on the machine of the published figures, an AMD EPYC of which two processors were used.
REFERENCE_SECONDS = 0.4
ROUNDS = 12
SIZE = 384
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Speed:
    """Repeated measurements of the workload.

    Attributes:
        model: the processor's name.
        seconds: processor time of each.
    """

    model: str
    seconds: tuple[float, ...]

    @property
    def factor(self) -> float:
        """Multiplier of processor times, which gives those of the machine of the published figures."""
        return REFERENCE_SECONDS / median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the range of the measurements, as a fraction of their median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / median(self.seconds)


def measured(times: int) -> Speed:
    """Measures the workload in processes of its own, with one thread."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    runs = [subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(times)]
    return Speed(processor(), tuple(float(each) for each in runs))


def processor() -> str:
    """Returns the name of the processor, as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown processor")


def workload() -> float:
    """Returns the processor seconds of products of matrices, Fourier transforms and plain Python, as in a function."""
    started = time.process_time()
    generator = np.random.default_rng(1)
    matrix = generator.standard_normal((SIZE, SIZE), np.float32)
    signal = generator.standard_normal(1 << 17, np.float32)
    for _ in range(ROUNDS):
        for _ in range(8):
            matrix = np.tanh(matrix @ matrix.T / SIZE)
        np.fft.irfft(np.fft.rfft(signal))
        json.loads(json.dumps([{"n": n, "text": str(n)} for n in range(8000)]))
    return time.process_time() - started


if __name__ == "__main__":
    print(workload())
