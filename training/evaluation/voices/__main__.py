"""Measures how well several voices and a change of voice are noticed, and how often in speech of one person.

    python -m training.evaluation.voices --manifest path.csv [--condition native|telephone] [--bundle DIR]

Recordings of 24 to 34 s of one speaker, of two in turns of 2 s or more, and of one speaker followed by another, and
sessions of 60 s, or as much as there is, in chunks, all put together at random (with a seed) from recordings of single
speakers, whose levels differ. If the manifest has a column `sex`, the two are of the same. Nothing is chosen here: the
table shows what other bounds would do, `biometrics/presentation/voices.py` has those that serve.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.presentation.voices import (
    LikenessBounds,
    SpeechParts,
    bounds_of,
    least_margin,
    margin_over_time,
)
from training.corpus.manifest import ManifestError, read_manifest
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import LineKind
from training.evaluation.metrics import Floats
from training.evaluation.voices.casting import Casting
from training.evaluation.voices.material import SpeechKind, compose, observe_chunks, observe_recordings

CHUNK_SECONDS = (0.5, 1.0, 4.0)
SESSION_SECONDS, NEW_VOICE_SECONDS, LEAST_RECORDING_SECONDS = 60.0, 10.0, 8.0
SHIFTS = (-0.1, -0.05, 0.0, 0.05, 0.1)
type Margin = Callable[[SpeechParts, LikenessBounds], float]
MEASURES: Mapping[str, Margin] = {"SEVERAL_VOICES": least_margin, "VOICE_CHANGED": margin_over_time}


def recordings(casting: Casting, bundle: Path, line: LineKind, number: int) -> Mapping[SpeechKind, list[Evidence]]:
    """Makes so many recordings of each kind and extracts their evidence; those with too little speech are left out."""
    kinds = [kind for kind in SpeechKind for _ in range(number)]
    made = [compose(kind, [casting.voice(name) for name in casting.pair()], casting.chance) for kind in kinds]
    long = [sum(cut.seconds for cut in cuts) >= LEAST_RECORDING_SECONDS for cuts in made]
    kept = [cuts for cuts, enough in zip(made, long, strict=True) if enough]
    found = observe_recordings(kept, bundle, line)
    names = [kind for kind, enough in zip(kinds, long, strict=True) if enough]
    return {kind: [each for name, each in zip(names, found, strict=True) if name is kind] for kind in SpeechKind}


def sessions(
    casting: Casting, chunks: Mapping[Path, Sequence[Evidence]], number: int
) -> Mapping[SpeechKind, list[Sequence[Evidence]]]:
    """Makes so many sessions of one speaker, and of one who hands over to another."""
    made: dict[SpeechKind, list[Sequence[Evidence]]] = {SpeechKind.ONE: [], SpeechKind.HANDOVER: []}
    for _ in range(number):
        first, second = casting.pair()
        made[SpeechKind.ONE].append(_speech(casting, chunks, first, SESSION_SECONDS))
        before = _speech(casting, chunks, first, casting.chance.uniform(20.0, SESSION_SECONDS))
        after = _speech(casting, chunks, second, NEW_VOICE_SECONDS)
        made[SpeechKind.HANDOVER].append([*before, *after])
    return made


def _speech(
    casting: Casting, chunks: Mapping[Path, Sequence[Evidence]], speaker: str, seconds: float
) -> Sequence[Evidence]:
    """Returns chunks with so much speech, or as much as there is."""
    paths = casting.chance.sample(casting.paths[speaker], len(casting.paths[speaker]))
    spoken = [each for path in paths for each in chunks[path] if each.embeddings]
    total = np.cumsum([each.speech_seconds for each in spoken])
    return spoken[: int(np.searchsorted(total, seconds)) + 1]


def table(label: str, speech: Mapping[SpeechKind, Sequence[Sequence[Evidence]]]) -> Iterator[str]:
    """Yields lines: the share of each kind that is alerted, at the bounds that serve and at moved ones."""
    band = _band([piece for some in speech.values() for pieces in some for piece in pieces])
    yield f"{label}, {band}: " + ", ".join(f"{len(some)} {kind}" for kind, some in speech.items())
    for name, margin in MEASURES.items():
        found = {kind: _margins(margin, some, band) for kind, some in speech.items()}
        for shift in SHIFTS:
            shares = "  ".join(f"{kind} {np.mean(margins < shift):.3f}" for kind, margins in found.items())
            yield f"  {name}, bounds {shift:+.2f}: {shares}"


def _margins(margin: Margin, some: Sequence[Sequence[Evidence]], band: Channel) -> Floats:
    spoken = [[piece for piece in pieces if band in piece.embeddings] for pieces in some]
    return np.array([margin(SpeechParts.of(pieces, band), bounds_of(pieces)[band]) for pieces in spoken])


def _band(pieces: Sequence[Evidence]) -> Channel:
    wide = sum(Channel.WIDEBAND in piece.embeddings for piece in pieces)
    return Channel.WIDEBAND if wide > len(pieces) / 2 else Channel.NARROWBAND


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure how well several voices and a change of voice are noticed.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--condition", choices=list(LineKind), type=LineKind, default=LineKind.NATIVE)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--number", type=int, default=200, help="of recordings, and of sessions, of each kind")
    parser.add_argument("--chunks", type=float, nargs="*", default=CHUNK_SECONDS, help="of sessions, seconds")
    arguments = parser.parse_args()
    try:
        casting = Casting(clips := read_manifest(arguments.manifest))
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    single = recordings(casting, arguments.bundle, arguments.condition, arguments.number)
    _write(table("recordings", {kind: [[each] for each in some] for kind, some in single.items()}))
    for seconds in arguments.chunks:
        chunks = observe_chunks(clips, arguments.bundle, arguments.condition, seconds)
        _write(table(f"sessions in chunks of {seconds} s", sessions(casting, chunks, arguments.number)))
    return 0


def _write(lines: Iterator[str]) -> None:
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
