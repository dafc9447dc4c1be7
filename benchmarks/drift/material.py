"""Evidence of recordings as they are and with planted shifts, kept in a file since it takes long to extract."""

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.drift.shifts import SHIFTS
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.errors import InvalidInput
from training.corpus.manifest import Clip, digest, read_manifest
from training.evaluation.evidence import load, read
from training.parallel import in_parallel


@dataclass(frozen=True, slots=True)
class ShiftedEvidence:
    """Evidence of one recording.

    Attributes:
        clip: row of its manifest.
        plain: of the recording as it is.
        shifted: by the name of the shift.
    """

    clip: Clip
    plain: Evidence
    shifted: dict[str, Evidence]


def material(manifest: Path, bundle: Path, shifts: Sequence[str], cache: Path) -> list[ShiftedEvidence]:
    """Extracts evidence of every usable recording of a manifest, or reads what was extracted before."""
    clips = read_manifest(manifest)
    name = zlib.crc32(f"{digest(manifest)}{load(bundle).digest}{sorted(shifts)}".encode())
    file = cache / f"{name:08x}.pickle"
    if file.exists():
        kept: list[ShiftedEvidence] = pickle.loads(file.read_bytes())  # noqa: S301, written below
        return kept
    found = in_parallel("extracting evidence", partial(_evidence, bundle, tuple(shifts)), clips)
    usable = [each for each in found if each]
    cache.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(usable))
    return usable


def _evidence(bundle: Path, shifts: Sequence[str], clip: Clip) -> ShiftedEvidence | None:
    try:
        waveform, _ = read(clip.path)
    except InvalidInput:
        return None
    models, seed = load(bundle), zlib.crc32(clip.path.name.encode())
    plain = models.observe(waveform, [Channel.NARROWBAND])
    generator = np.random.default_rng(seed)
    changed = {name: SHIFTS[name](waveform, plain.quality, generator) for name in shifts}
    shifted = {name: models.observe(each, [Channel.NARROWBAND]) for name, each in changed.items()}
    return ShiftedEvidence(clip, plain, shifted)
