"""Measures what a former speaker network costs: `python -m benchmarks.spaces`.

The same recording is embedded in turn for a caller whose voiceprint is in the bundle's own space, in the former one
(evidence was begun in the own one, as in an authentication), and in both (a chunk of a session, or an enrollment), so
that other load on the machine affects all. Memory is that of fresh processes. The bundle is that of `local.spaces`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bonafide.adapters.onnx import Bundle, DetectedSpeech
from bonafide.audio.waveform import Waveform
from layers.golden.readers import RATE, load
from layers.model.build import OUT
from local.spaces.build import build

OTHER = Path(".build/spaces/bundle")
SECONDS = 5
ROUNDS = 15
FRESH = """
import json, re, sys, time
from pathlib import Path
from bonafide.adapters.onnx import Bundle
begun = time.perf_counter()
bundle = Bundle.load(Path(sys.argv[1]), liveness=False)
loaded = time.perf_counter()
if len(sys.argv) > 2:
    bundle._former[bundle.spaces[1]].network
opened = time.perf_counter()
# Not ru_maxrss, which a process inherits from the one that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"load": loaded - begun, "open": opened - loaded, "peak": peak}))
"""


def speed(bundle: Bundle, speech: DetectedSpeech) -> Mapping[str, float]:
    """Returns the median seconds of each kind of caller."""
    former = bundle.spaces[1]

    def own() -> object:
        return bundle.evidence(speech)

    def after_own() -> object:
        return bundle.evidence(speech, [], bundle.evidence(speech), former)

    kinds: Mapping[str, Callable[[], object]] = {"voiceprint in the own space": own, "in the former space": after_own}
    for each in kinds.values():
        each()
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, run in kinds.items():
            begun = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in taken.items()}


def fresh(folder: Path, *more: str) -> Mapping[str, float]:
    """Returns seconds to load a bundle and to open the former network, and the peak of memory in MB."""
    found = subprocess.run([sys.executable, "-c", FRESH, str(folder), *more], check=True, capture_output=True)
    figures: Mapping[str, float] = json.loads(found.stdout)
    return figures


def main() -> None:
    """Runs the command."""
    argparse.ArgumentParser(description="Measure what a former network costs.").parse_args()
    build(OTHER)
    bundle = Bundle.load(OTHER)
    reader = next(iter(load().values()))
    speech = bundle.find_speech(Waveform(reader.call[: SECONDS * RATE], RATE))
    own, former = speed(bundle, speech).values()
    times = f"own space: {own * 1000:.0f} ms; former space: {former * 1000:.0f} ms, {former / own:.2f}x"
    print(f"evidence of {SECONDS} s, {times}")
    alone, listed, opened = fresh(OUT), fresh(OTHER), fresh(OTHER, "open")
    print(f"one network (of the bundle before): {alone['load']:.2f} s to load, {alone['peak']:.0f} MB")
    print(f"own and former, not yet opened: {listed['load']:.2f} s, {listed['peak']:.0f} MB")
    print(f"former opened: {opened['open']:.2f} s with its first caller, {opened['peak']:.0f} MB")


if __name__ == "__main__":
    main()
