"""Builds the golden recordings: `python -m layers.golden.build [--out DIRECTORY]`.

Two readers of the pinned source package, as 16 kHz WAV: enough speech of one to enrol, another passage of the same
person, the same sentence's worth of somebody else, and silence. Probes know the right answer to each.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bonafide.audio.waveform import Samples
from layers.packages import TORTOISE
from local.demo.readers import RATE, Reader, load, wav

OUT = Path(".build/layers/golden/golden")
PERSON, STRANGER = "daws", "empire"
ENROLMENT_SECONDS, CALL_SECONDS, SILENCE_SECONDS = 12, 6, 3


def recordings(readers: Mapping[str, Reader]) -> dict[str, Samples]:
    """Samples of shape (n,) at 16 kHz by file name."""
    person, stranger = readers[PERSON], readers[STRANGER]
    return {
        "enrolment": person.enrolment[: ENROLMENT_SECONDS * RATE],
        "genuine": person.call[: CALL_SECONDS * RATE],
        "impostor": stranger.call[: CALL_SECONDS * RATE],
        "silence": np.zeros(SILENCE_SECONDS * RATE, np.float32),
    }


def digest() -> str:
    """Identifies everything that the recordings depend on."""
    return hashlib.sha256(json.dumps([TORTOISE.sha256, Path(__file__).read_text()]).encode()).hexdigest()


def build(out: Path) -> bool:
    """Writes the recordings into `out`; returns False when they were up to date."""
    stamp = out / "source.sha256"
    if stamp.exists() and stamp.read_text() == digest():
        return False
    out.mkdir(parents=True, exist_ok=True)
    for name, samples in recordings(load()).items():
        (out / f"{name}.wav").write_bytes(wav(samples))
    stamp.write_text(digest())
    return True


def main() -> None:
    """Runs the build from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    print(f"golden recordings {'built' if build(out) else 'up to date'}: {out}")


if __name__ == "__main__":
    main()
