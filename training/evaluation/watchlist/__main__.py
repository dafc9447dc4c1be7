"""Prints how surely people on a watchlist are found, and how often others are taken for them.

    python -m training.evaluation.watchlist --manifest path.csv [--part choose|report] [--line telephone|native]
        [--entries telephone|native] [--sizes 10,50,100,200] [--lookups 10000] [--least-speech SECONDS] [--bundle DIR]

The manifest has the columns path and speaker. A lookup draws a list of one recording of each of so many people. Of
people on the list, another recording is looked up: FNIR is the share that is not found at their own entry. Of others
one recording is: FPIR is the share for whom anybody is found (ISO/IEC 19795-1). One threshold is used for all sizes:
that of the product, by which the expected number of strangers that come so near is 0.01. Beside it stands FNIR where
exactly 1 % of the others are found. Intervals of 95 % resample the people who call. `--part report` leaves out the
people by whom the numbers were chosen, if the manifest says which recordings are for training (column use).
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.watchlists.likeness import LikenessScale, scale_of
from training.corpus.manifest import ManifestError, read_manifest, refusals
from training.evaluation.bootstrap import REPLICATES, SEED
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import LineKind, RecordingEvidence, extract
from training.evaluation.metrics import Flags, Floats, Indices
from training.evaluation.watchlist.lookups import PARTS, Lookups, SpokenVoice, belongs

FALSE_ALARMS = 0.01
BANDS = {LineKind.TELEPHONE: Channel.NARROWBAND, LineKind.NATIVE: Channel.WIDEBAND}


@dataclass(frozen=True, slots=True)
class Looked:
    """Results of lookups of one kind in lists of one size.

    Attributes:
        own: likeness to the own entry; of strangers to the nearest, shape (n,).
        nearest: whether no other entry is nearer, shape (n,).
        callers: index of each speaker who called, shape (n,).
    """

    own: Floats
    nearest: Flags
    callers: Indices

    @classmethod
    def of_strangers(cls, lookups: Lookups, size: int, count: int) -> "Looked":
        """Looks people up who are not on the list."""
        drawn = [lookups.stranger(size) for _ in range(count)]
        return cls(np.array([each[0] for each in drawn]), np.ones(count, np.bool_), np.array([e[1] for e in drawn]))

    @classmethod
    def of_listed(cls, lookups: Lookups, size: int, count: int) -> "Looked":
        """Looks people up who are on the list."""
        drawn = [lookups.listed_caller(size) for _ in range(count)]
        own, other = np.array([each[0] for each in drawn]), np.array([each[1] for each in drawn])
        return cls(own, own >= other, np.array([each[2] for each in drawn]))

    def found(self, threshold: float, weights: Floats) -> float:
        """Returns the share that is found at the own entry, each caller's lookups so often."""
        used = weights[self.callers]
        return float(np.average((self.own >= threshold) & self.nearest, weights=used))

    def exceeded(self, share: float, weights: Floats) -> float:
        """Returns the likeness that a share exceeds."""
        order = np.argsort(-self.own)
        above = np.cumsum(weights[self.callers][order])
        return float(self.own[order][np.searchsorted(above, share * above[-1])])


def voice_of(speaker: str, found: RecordingEvidence, line: LineKind, band: Channel, least: float) -> SpokenVoice | None:
    """Returns the voice in a recording over a line, in a band; None with less speech than so much."""
    evidence = found.evidence.get(line)
    if evidence is None or band not in evidence.embeddings or evidence.speech_seconds < least:
        return None
    return SpokenVoice(speaker, evidence.embeddings[band], evidence.speech_seconds)


def table(lookups: Lookups, scale: LikenessScale, sizes: Sequence[int], count: int) -> Iterator[str]:
    """Yields a line for each size of list."""
    yield f"{'entries':>8} {'threshold':>9} {'FPIR':>22} {'FNIR':>22} {'FNIR at FPIR 1 %':>22}"
    for size in sizes:
        strangers, listed = Looked.of_strangers(lookups, size, count), Looked.of_listed(lookups, size, count)
        limit = scale.least_likeness(size)
        columns = _columns(lookups.speakers, strangers, listed, limit)
        yield f"{size:8} {limit:9.3f} " + " ".join(f"{each:>22}" for each in columns)


def _columns(speakers: int, strangers: Looked, listed: Looked, limit: float) -> list[str]:
    """Returns FPIR, FNIR, and FNIR where exactly `FALSE_ALARMS` of the strangers are found."""

    def missed_at_rate(weights: Floats) -> float:
        return 1 - listed.found(strangers.exceeded(FALSE_ALARMS, weights), weights)

    return [
        _shown(speakers, lambda weights: strangers.found(limit, weights)),
        _shown(speakers, lambda weights: 1 - listed.found(limit, weights)),
        _shown(speakers, missed_at_rate),
    ]


def _shown(speakers: int, rate: Callable[[Floats], float]) -> str:
    random = np.random.default_rng(SEED)
    drawn = [np.bincount(random.integers(0, speakers, speakers), minlength=speakers) for _ in range(REPLICATES)]
    low, high = np.quantile([rate(each.astype(np.float64)) for each in drawn], [0.025, 0.975])
    return f"{rate(np.ones(speakers)):.2%} ({low:.2%}, {high:.2%})"


def main() -> int:
    """Runs the command."""
    given = _arguments()
    try:
        clips = read_manifest(given.manifest)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    used = [each for each in clips if given.part is None or belongs(each.row, given.part)]
    lines = given.line, given.entries or given.line
    found = extract([each.path for each in used], given.bundle, sorted(set(lines)))
    refusals(used, [each.refused for each in found])
    band = BANDS[given.line]
    scale = scale_of(Bundle.load(given.bundle).embedding_space, band)
    if scale is None:
        sys.stderr.write("no scale is fitted for the network of this bundle: training.calibration.watchlist\n")
        return 2
    least = max(given.least_speech, scale.least_seconds)
    both = [
        [voice_of(clip.speaker, each, line, band, least) for line in lines]
        for clip, each in zip(used, found, strict=True)
    ]
    pairs = [(call, entry) for call, entry in both if call and entry]
    voices, listed = [call for call, _ in pairs], [entry for _, entry in pairs]
    report(Lookups(voices, scale, SEED, listed), voices, scale, [*map(int, given.sizes.split(","))], given.lookups)
    return 0


def report(
    lookups: Lookups, voices: Sequence[SpokenVoice], scale: LikenessScale, sizes: Sequence[int], count: int
) -> None:
    """Prints the table of sizes that there are enough speakers for."""
    speech = np.median([each.seconds for each in voices])
    print(
        f"{lookups.speakers} speakers, {len(voices)} recordings, median {speech:.1f} s of speech; {count} lookups each"
    )
    for line in table(lookups, scale, [size for size in sizes if size < lookups.speakers], count):
        print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how surely people on a watchlist are found.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--line", type=LineKind, choices=list(LineKind), default=LineKind.TELEPHONE)
    parser.add_argument("--entries", type=LineKind, choices=list(LineKind), help="line of the entries, if another")
    parser.add_argument("--sizes", default="10,50,100,200")
    parser.add_argument("--lookups", type=int, default=10_000)
    parser.add_argument("--least-speech", type=float, default=0.0)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
