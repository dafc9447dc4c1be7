"""The gate on latency: the processor time of every graph, as a ratio to the champion's in the same run.

Both bundles take turns, so that whatever else the machine does falls on both. Each graph runs in one thread, and the
time is that of the process, which waits for nobody. An absolute time would be one of this machine. A graph that is the
champion's, byte for byte, takes as long as it does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import process_time

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import Bundle
from training.gates.criteria import Submission
from training.gates.parity import GRAPHS, answer
from training.gates.results import CriterionFinding
from training.gates.signals import signal

RATES = (16000, 8000)
REPLICATES = 400
# Loading takes long and is done once for each environment.
LOADS = 5

type Floats = NDArray[np.float64]


def latency(submission: Submission) -> Iterator[CriterionFinding]:
    """Measures both bundles; without a champion there is nothing to compare with."""
    if not submission.champion:
        return
    limits, folders = submission.criteria.latency, (submission.candidate, submission.champion)
    both = [Bundle.load(folder) for folder in folders]
    for graph in GRAPHS:
        if submission.keeps(f"{graph}.onnx"):
            criterion = f"processor time of {graph}.onnx, ratio to the champion"
            yield CriterionFinding("latency", criterion, limits["ratio"], 1.0, True)
            continue
        for rate in RATES:
            waveform = signal(rate, limits["seconds"])
            runs = [partial(answer, models, graph, waveform) for models in both]
            taken = _taken(runs, int(limits["repetitions"]))
            criterion = f"processor time of {graph}.onnx, ratio to the champion"
            yield _judged(criterion, f"rate={rate}", taken, limits)
    taken = _taken([partial(Bundle.load, folder) for folder in folders], LOADS)
    yield _judged("processor time of loading, ratio to the champion", None, taken, limits)


def _taken(runs: Sequence[Callable[[], object]], repetitions: int) -> Floats:
    """Returns seconds of both runs, shape (repetitions, 2); which is first alternates, and the first round is lost."""
    rows = []
    for number in range(repetitions + 1):
        order = (0, 1) if number % 2 else (1, 0)
        seconds = {which: _seconds(runs[which]) for which in order}
        rows.append([seconds[0], seconds[1]])
    return np.array(rows[1:])


def _seconds(run: Callable[[], object]) -> float:
    start = process_time()
    run()
    return process_time() - start


def _judged(criterion: str, cohort: str | None, taken: Floats, limits: Mapping[str, float]) -> CriterionFinding:
    """Refuses a ratio of medians whose interval (bootstrap over rounds, 95 %) lies above the bound."""
    drawn = np.random.default_rng(1).integers(len(taken), size=(REPLICATES, len(taken)))
    medians = np.median(taken[drawn], axis=1)
    low, high = np.quantile(medians[:, 0] / medians[:, 1], [0.025, 0.975])
    found = np.median(taken, axis=0)
    ratio, slower = float(found[0] / found[1]), float(found[0] - found[1])
    passed = bool(low <= limits["ratio"] or slower <= limits["least_seconds"])
    return CriterionFinding("latency", criterion, limits["ratio"], ratio, passed, cohort, (float(low), float(high)))
