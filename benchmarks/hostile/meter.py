"""Memory and processor time of the processes that functions run in, as Linux counts them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.aws.functions.function import LambdaFunction

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(process: int) -> float:
    """Returns the processor time that a process used so far, in the kernel and outside."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_megabytes(process: int) -> float:
    """Returns the most memory that a process ever held."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


@dataclass
class ProcessMeter:
    """Processor time and memory of functions, from one request to the next.

    Attributes:
        functions: by name.
        started: processes that each had at first.
        used: processor seconds of each process so far.
    """

    functions: Mapping[str, LambdaFunction]
    started: Mapping[str, set[int]]
    used: dict[int, float]

    @classmethod
    def of(cls, functions: Mapping[str, LambdaFunction]) -> "ProcessMeter":
        """Begins with what the functions used up to now."""
        started = {name: set(function.processes()) for name, function in functions.items()}
        return cls(functions, started, {each: processor_seconds(each) for each in _all(started.values())})

    def seconds(self) -> float:
        """Returns the most processor time that one process used since the last call; starting one does not count."""
        longest = 0.0
        for process in _all(function.processes() for function in self.functions.values()):
            now = processor_seconds(process)
            longest = max(longest, now - self.used.get(process, now))
            self.used[process] = now
        return longest

    def ended(self) -> list[str]:
        """Returns the functions of which a process has ended."""
        return [name for name, started in self.started.items() if started - set(self.functions[name].processes())]

    def memory(self) -> dict[str, float]:
        """Returns the most memory that each function held, as a part of what it has."""
        return {
            name: max(map(peak_megabytes, function.processes()), default=0.0) / function.definition.memory
            for name, function in self.functions.items()
        }


def _all(groups: Iterable[Iterable[int]]) -> list[int]:
    return [each for group in groups for each in group]
