"""Evidence of recordings as they are and with planted shifts, kept in a file since it takes long to extract."""

import pickle
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.drift.shifts import SHIFTS
from bonafide.adapters.bundle import BundleFiles
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.evidence import Channel, Evidence, Quality
from bonafide.errors import InvalidInput
from training.corpus.manifest import Clip, digest, read_manifest
from training.evaluation.evidence import load, read
from training.parallel import in_parallel

# Recordings taken of one speaker: one to enroll, the others call.
MOST_RECORDINGS = 4


@dataclass(frozen=True, slots=True)
class ShiftedEvidence:
    """Evidence of one recording.

    Attributes:
        clip: row of its manifest.
        plain: of the recording as it is.
        shifted: by the name of the shift; empty for the recording that its speaker enrolls with.
    """

    clip: Clip
    plain: Evidence
    shifted: dict[str, Evidence]


def material(manifest: Path, bundle: Path, shifts: Sequence[str], cache: Path) -> list[ShiftedEvidence]:
    """Extracts evidence of the usable recordings of a manifest, or reads what was extracted before."""
    file = cache / f"{_key(manifest, bundle, shifts):08x}.pickle"
    if file.exists():
        kept: list[ShiftedEvidence] = pickle.loads(file.read_bytes())  # noqa: S301, written below
        return kept
    by_speaker: dict[str, list[Clip]] = defaultdict(list)
    for clip in read_manifest(manifest):
        by_speaker[clip.speaker].append(clip)
    some = [clips[:MOST_RECORDINGS] for clips in by_speaker.values()]
    of_speakers = in_parallel("extracting evidence of speakers", partial(_of_speaker, bundle, tuple(shifts)), some)
    usable = list(chain.from_iterable(of_speakers))
    cache.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(usable))
    return usable


def _key(manifest: Path, bundle: Path, shifts: Sequence[str]) -> int:
    """Names everything that the evidence depends on."""
    files = BundleFiles.open(bundle)
    made_by = {name: sha for name, sha in files.manifest["files"].items() if name.endswith(".onnx")}
    made_by["directions"] = str(files.directions())
    fields = (*Evidence.__slots__, *Quality.__slots__)
    return zlib.crc32(f"{digest(manifest)}{made_by}{fields}{sorted(shifts)}{MOST_RECORDINGS}".encode())


def _of_speaker(bundle: Path, shifts: Sequence[str], clips: Sequence[Clip]) -> list[ShiftedEvidence]:
    """Embeds the first recording in both bands, since the others may come over another line."""
    heard = list(_read(clips))
    found = [_evidence(bundle, shifts if place or len(heard) == 1 else (), *each) for place, each in enumerate(heard)]
    return [each for each in found if each.plain.embeddings]


def _read(clips: Sequence[Clip]) -> Iterator[tuple[Clip, Waveform]]:
    for clip in clips:
        try:
            yield clip, read(clip.path)[0]
        except InvalidInput:
            continue


def _evidence(bundle: Path, shifts: Sequence[str], clip: Clip, waveform: Waveform) -> ShiftedEvidence:
    models, seed = load(bundle), zlib.crc32(clip.path.name.encode())
    plain = models.observe(waveform, [Channel.NARROWBAND])
    generator = np.random.default_rng(seed)
    changed = {name: SHIFTS[name](waveform, plain.quality, generator) for name in shifts}
    return ShiftedEvidence(clip, plain, {name: models.observe(each) for name, each in changed.items()})
