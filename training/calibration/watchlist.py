"""Fits the scale by which one voice is searched among many. The same inputs give the same bytes.

    python -m training.calibration.watchlist --manifest path.csv --others path.csv [--bundle DIRECTORY] --out FILE

`--manifest` names recordings whose speakers are surely known, of which a third of the speakers is used (those of
`part choose` of `training.evaluation.watchlist`); `--others` more people, for the typical voice only. Both have the
columns path, source, licence and use, the first also speaker; rows that are not for training are left out, and those
that a column `label` calls anything but bona fide. Telephone lines are simulated for narrowband; wideband takes the
recordings as they are.
"""

import argparse
import base64
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector
from bonafide.biometrics.watchlists.likeness import LikenessScale
from training.corpus.manifest import Clip, ManifestError, read_manifest
from training.evaluation.evidence import LineKind, extract
from training.evaluation.metrics import Floats
from training.evaluation.watchlist.lookups import SpokenVoice, belongs, best_of_strangers

BUNDLE = Path(".build/layers/model/bundle")
COLUMNS = ("path", "source", "licence", "use")
# Chosen on the same third of the speakers, by misses at 0.1 % and 0.02 % false matches: decision 0038.
NOISE, COMMONNESS, HALF_SECONDS, LEAST_SECONDS = 0.6, 0.8, 1.5, 1.0
# Lists of strangers, and false alarms of them, between which the tail is fitted.
LIST_SIZES = (10, 20, 40, 60)
FALSE_ALARMS = (0.05, 0.03, 0.02, 0.01)
LOOKUPS, SEED, DIGITS = 5000, 1, 4
HUMAN = "bonafide"
LINES = {Channel.NARROWBAND: LineKind.TELEPHONE, Channel.WIDEBAND: LineKind.NATIVE}


@dataclass(frozen=True, slots=True)
class HeardClip:
    """A recording with its evidence on each line."""

    clip: Clip
    evidence: Mapping[LineKind, Evidence]

    def voice(self, channel: Channel) -> SpokenVoice | None:
        """Returns the voice in a band; None without enough speech in it."""
        found = self.evidence.get(LINES[channel])
        if found is None or channel not in found.embeddings or found.speech_seconds < LEAST_SECONDS:
            return None
        return SpokenVoice(self.clip.speaker, found.embeddings[channel], found.speech_seconds)


def heard(manifest: Path, bundle: Path, *columns: str) -> list[HeardClip]:
    """Extracts evidence from the recordings of a manifest that are for training.

    Args:
        manifest: of the recordings.
        bundle: folder of the models.
        columns: that it must have besides those of every manifest.

    Raises:
        ManifestError: it cannot be used.
    """
    every = read_manifest(manifest, (*COLUMNS, *columns))
    clips = [each for each in every if each.row["use"] == "train" and each.row.get("label", HUMAN) == HUMAN]
    found = extract([each.path for each in clips], bundle, list(LineKind))
    return [HeardClip(clip, each.evidence) for clip, each in zip(clips, found, strict=True)]


def fit_scale(known: Sequence[SpokenVoice], everybody: Sequence[SpokenVoice]) -> Mapping[str, Any]:
    """Fits the scale of one band.

    Args:
        known: voices of which the tail is measured.
        everybody: voices whose mean is the typical one, each speaker once.
    """
    typical = typical_voice(everybody)
    begun = LikenessScale(typical, NOISE, COMMONNESS, HALF_SECONDS, 1.0, 1.0, LEAST_SECONDS)
    decay, chance = fit_tail(known, begun)
    return {
        "typical": base64.b64encode(typical.astype("<f4").tobytes()).decode(),
        "noise": NOISE,
        "commonness": COMMONNESS,
        "half_seconds": HALF_SECONDS,
        "least_seconds": LEAST_SECONDS,
        "decay": float(f"{decay:.{DIGITS}g}"),
        "chance": float(f"{chance:.{DIGITS}g}"),
    }


def typical_voice(everybody: Sequence[SpokenVoice]) -> FloatVector:
    """Returns the mean over speakers of the means of their embeddings, shape (dim,)."""
    by_speaker: dict[str, list[FloatVector]] = defaultdict(list)
    for each in everybody:
        by_speaker[each.speaker].append(each.vector)
    means = [np.mean(by_speaker[name], axis=0) for name in sorted(by_speaker)]
    return np.asarray(np.mean(means, axis=0), np.float32)


def fit_tail(voices: Sequence[SpokenVoice], scale: LikenessScale) -> tuple[float, float]:
    """Fits the exponential tail to the likenesses that best strangers exceed, over lists and false alarms.

    A best of N is above s with probability 1 - exp(-N chance exp(-decay s)), so that s is a line over
    ln N - ln(-ln(1 - probability)).
    """
    points: list[tuple[float, float]] = []
    for size in LIST_SIZES:
        best = best_of_strangers(voices, scale, size, LOOKUPS, SEED)
        exceeded: Floats = np.quantile(best, [1.0 - each for each in FALSE_ALARMS])
        at = [np.log(size) - np.log(-np.log1p(-each)) for each in FALSE_ALARMS]
        points += zip(at, exceeded, strict=True)
    at_all, found = np.array(points, np.float64).T
    slope, level = np.polyfit(at_all, found, 1)
    return 1.0 / float(slope), float(np.exp(level / slope))


def document(known: Sequence[HeardClip], others: Sequence[HeardClip], space: str) -> Mapping[str, Any]:
    """Returns the whole document, with its lineage."""
    bands = {
        channel: fit_scale(
            [voice for each in known if (voice := each.voice(channel))],
            [voice for each in [*known, *others] if (voice := each.voice(channel))],
        )
        for channel in Channel
    }
    uses = Counter((each.clip.row["source"], each.clip.row["licence"]) for each in [*known, *others])
    sources = [{"source": name, "licence": of, "recordings": count} for (name, of), count in sorted(uses.items())]
    lineage = {"speakers": len({each.clip.speaker for each in known}), "sources": sources, "seed": SEED}
    return {"schema": 1, "spaces": {space: bands}, "lineage": lineage}


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Fit the scale by which one voice is searched among many.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--others", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        known = [each for each in heard(given.manifest, given.bundle, "speaker") if belongs(each.clip.row, "choose")]
        others = heard(given.others, given.bundle)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    written = document(known, others, Bundle.load(given.bundle).embedding_space)
    given.out.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
