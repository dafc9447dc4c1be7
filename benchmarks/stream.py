"""Measures concurrent real-time sessions on the deployed template: lag, memory, processor time, and overload.

    python -m benchmarks.stream [--calls 40 45] [--minutes 1] [--rate 8000 16000] [--overload 3] [--overload-seconds 60]

The stream is read once a second and takes 1 MB a second in each shard, as in AWS.

Lag is from the moment a chunk's request was answered to the moment its evidence was written, both by this machine's
clock; callers also evaluate two seconds after each chunk. Everything runs on this machine, the callers in one process.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.stream_load import LoadResult, StreamLoad
from bonafide.adapters.dynamodb.sessions import DynamoSessionStore
from layers.golden.readers import load as readers
from local.runner import Deployment, deployment
from local.stream.produce import enroll

DOMAIN = "benchmark"
RATES = (8000, 16000)
SESSIONS = (40, 45)
SAMPLE_SECONDS = 5.0
STREAMING = ("ingest_audio", "score_audio", "manage_sessions", "close_sessions")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class MemorySampler:
    """Samples the memory of the functions' processes over time.

    Attributes:
        resident: MB by function, one sum over its processes for each sample.
        minutes: times of the samples.
    """

    running: Deployment
    resident: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STREAMING})
    minutes: list[float] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _began: float = field(default_factory=time.monotonic)

    def start(self) -> threading.Thread:
        """Samples in a thread until `stop`."""
        thread = threading.Thread(target=self._sample, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()

    def _sample(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self.minutes.append((time.monotonic() - self._began) / 60)
            for name in STREAMING:
                pids = self.running.functions[name].processes()
                self.resident[name].append(sum(map(resident_mb, pids)))

    def growth(self, name: str) -> tuple[float, float, float]:
        """Returns the median MB of the first and the last fifth, and the slope of the last four fifths, MB a minute."""
        values, minutes = np.array(self.resident[name]), np.array(self.minutes)
        fifth = max(1, len(values) // 5)
        slope = np.polyfit(minutes[fifth:], values[fifth:], 1)[0] if len(values) - fifth > 2 else float("nan")
        return float(np.median(values[:fifth])), float(np.median(values[-fifth:])), float(slope)


def main() -> None:
    """Prints one table for each load."""
    parser = argparse.ArgumentParser(description="Put concurrent real-time sessions on the deployment on this machine.")
    parser.add_argument("--calls", type=int, nargs="+", default=SESSIONS, help="sessions at the same time, in turn")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--rate", type=int, nargs="+", default=RATES, choices=RATES)
    parser.add_argument("--overload", type=float, default=3.0, help="times the sessions; 0 leaves it out")
    parser.add_argument("--overload-seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    with deployment() as running:
        steady = StreamLoad(
            running.endpoint, DOMAIN, prepare(running), arguments.calls[0], 60 * arguments.minutes, RATES[0]
        )
        # Until all execution environments have started.
        measure(running, replace(steady, seconds=8.0), quiet=True)
        for sessions, rate in product(arguments.calls, arguments.rate):
            measure(running, replace(steady, concurrent=sessions, rate=rate))
        if arguments.overload:
            sessions = round(arguments.calls[0] * arguments.overload)
            measure(running, replace(steady, concurrent=sessions, seconds=arguments.overload_seconds))


def prepare(running: Deployment) -> list[str]:
    """Enrolls three readers for all sessions to claim; returns their names."""
    people = sorted(readers().values(), key=lambda reader: -len(reader.enrollment))[:3]
    for reader in people:
        enroll(running.endpoint, DOMAIN, reader)
    return [reader.name for reader in people]


def measure(running: Deployment, load: StreamLoad, *, quiet: bool = False) -> None:
    """Runs a load and prints its results."""
    sampler, before, idle, began = MemorySampler(running), used_seconds(running), idle_seconds(), time.monotonic()
    thread = sampler.start()
    result = generate(load)
    lasted = time.monotonic() - began
    used = {name: value - before.get(name, 0.0) for name, value in used_seconds(running).items()}
    idled = idle_seconds() - idle
    sampler.stop()
    thread.join()
    lags = settled_lags(running, result)
    if quiet:
        return
    print(f"{load.concurrent} sessions of {load.seconds:.0f} s at {load.rate} Hz in real time, a chunk every 4 s")
    print_lags(result, lags)
    print_processor(used, result, lasted, idled)
    print_memory(sampler)
    print(flush=True)


def generate(load: StreamLoad) -> LoadResult:
    """Runs the callers in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.stream_load"]
    done = subprocess.run(command, input=json.dumps(asdict(load)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return LoadResult.read(done.stdout)


def settled_lags(running: Deployment, result: LoadResult) -> list[float]:
    """Returns seconds from acceptance to evidence of every accepted chunk; waits for evidence, a minute at most."""
    table = running.functions["score_audio"].definition.environment["BONAFIDE_SESSION_TABLE"]
    store = DynamoSessionStore(running.emulator.client("dynamodb"), table)
    until = time.monotonic() + 60
    while True:
        written = {
            (session, row.chunk.number): row.scored_at.timestamp()
            for session in result.sessions
            if (record := store.session(DOMAIN, session))
            for row in store.evidence(record, store.marks(record))
        }
        if len(written) >= len(result.accepted) or time.monotonic() > until:
            break
        time.sleep(1)
    return [
        max(0.0, written.get((session, chunk), float("inf")) - accepted) for session, chunk, accepted in result.accepted
    ]


def print_lags(result: LoadResult, lags: Sequence[float]) -> None:
    """Prints the lag of evidence, and what was throttled."""
    p50, p95, p99 = np.quantile(lags, (0.5, 0.95, 0.99), method="higher")
    requests = np.quantile(result.request_ms, (0.5, 0.95))
    print(f"  accepted   {len(lags)} chunks, {sum(lag == float('inf') for lag in lags)} never scored")
    print(f"  lag s      p50 {p50:.2f}  p95 {p95:.2f}  p99 {p99:.2f}  max {max(lags):.2f}")
    print(f"  seen       {100 * np.mean(result.seen):.1f} % of the chunks by an evaluation 2 s after acceptance")
    print(f"  429        {result.throttled} answers, {result.throttled_percent:.2f} % of the requests with chunks")
    print(f"  retries    {result.retried} for other reasons, {result.given_up} chunks given up")
    print(f"  request    p50 {requests[0]:.0f} ms, p95 {requests[1]:.0f} ms until accepted, retries included")


def print_processor(used: Mapping[str, float], result: LoadResult, lasted: float, idled: float) -> None:
    """Prints the processor time by process."""
    chunks = len(result.accepted)
    parts = "  ".join(f"{name} {1000 * seconds / chunks:.0f}" for name, seconds in used.items() if seconds > 0.01)
    cores = os.cpu_count() or 1
    own = sum(used.values()) / lasted
    print(f"  processor  ms a chunk: {parts}")
    print(f"             {own:.2f} of {cores} cores, {cores - own - idled / lasted:.2f} by others on this machine")


def print_memory(sampler: MemorySampler) -> None:
    """Prints the growth of memory."""
    for name in STREAMING:
        first, last, slope = sampler.growth(name)
        print(f"  memory     {name:<16} {first:6.0f} MB at first, {last:6.0f} at last, {slope:+.2f} a minute")


def used_seconds(running: Deployment) -> dict[str, float]:
    """Returns the processor seconds so far of functions, emulator, callers, and of front and poller."""
    own = os.times()
    known = {name: sum(map(busy_seconds, running.functions[name].processes())) for name in STREAMING}
    children = sum(map(busy_seconds, child_pids()))
    everything = sum(sum(map(busy_seconds, function.processes())) for function in running.functions.values())
    return {
        **known,
        "emulator": children - everything,
        "callers": own.children_user + own.children_system,
        "front and poller": own.user + own.system,
    }


def child_pids() -> list[int]:
    """Returns the running child processes."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, (task / "children").read_text().split())
    return found


def busy_seconds(pid: int) -> float:
    """Returns the processor seconds of a process."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def idle_seconds() -> float:
    """Returns the idle seconds of all processors of this machine."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / TICKS


def resident_mb(pid: int) -> float:
    """Returns the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


if __name__ == "__main__":
    main()
