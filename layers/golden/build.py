"""Builds the golden layer: `python -m layers.golden.build [--out DIRECTORY]`.

It holds recordings of two readers of the pinned source package, as 16 kHz WAV, to each of which probes know the right
answer: enough speech of one to enroll, another passage of the same person, a passage of somebody else, and silence.
Beside them lies the public client, which only probes need.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bonafide.audio.waveform import Samples
from layers.golden.readers import RATE, Reader, load, wav
from layers.packages import TORTOISE

OUT = Path(".build/layers/golden")
RECORDINGS = "golden"
CLIENT = Path(__file__).parents[2] / "client" / "bonafide_client"
PERSON, IMPOSTOR = "daws", "empire"
ENROLLMENT_SECONDS, CALL_SECONDS, SILENCE_SECONDS = 12, 6, 3


def recordings(readers: Mapping[str, Reader]) -> dict[str, Samples]:
    """Returns samples of shape (n,) at 16 kHz by file name."""
    person, impostor = readers[PERSON], readers[IMPOSTOR]
    return {
        "enrollment": person.enrollment[: ENROLLMENT_SECONDS * RATE],
        "genuine": person.call[: CALL_SECONDS * RATE],
        "impostor": impostor.call[: CALL_SECONDS * RATE],
        "silence": np.zeros(SILENCE_SECONDS * RATE, np.float32),
    }


def digest() -> str:
    """Identifies everything that the layer depends on."""
    sources = {str(path.relative_to(CLIENT)): path.read_text() for path in _client_files()}
    sources["build"] = Path(__file__).read_text()
    return hashlib.sha256(json.dumps([TORTOISE.sha256, sources], sort_keys=True).encode()).hexdigest()


def build(out: Path = OUT) -> bool:
    """Writes the layer into `out`; returns False when it was up to date."""
    stamp = out / RECORDINGS / "source.sha256"
    if stamp.exists() and stamp.read_text() == digest():
        return False
    if out.exists():
        shutil.rmtree(out)
    (out / RECORDINGS).mkdir(parents=True)
    for name, samples in recordings(load()).items():
        (out / RECORDINGS / f"{name}.wav").write_bytes(wav(samples))
    for path in _client_files():
        copy = out / "python" / CLIENT.name / path.relative_to(CLIENT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    stamp.write_text(digest())
    return True


def _client_files() -> Iterator[Path]:
    return (path for path in sorted(CLIENT.rglob("*")) if path.suffix == ".py" or path.name == "py.typed")


def main() -> None:
    """Runs the build from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    print(f"golden layer {'built' if build(out) else 'up to date'}: {out}")


if __name__ == "__main__":
    main()
