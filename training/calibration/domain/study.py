"""Measures what calibrations of domains give, by the number of speakers, on lines that nothing was chosen on.

    python -m training.calibration.domain.study --manifest path.csv [--lines reported|choosing] [--draws 50]
        [--scale-spread X] [--shift-spread X] [--comparisons N] [--bounding N]

The manifest has the columns path, speaker and group. Speakers of each corpus are drawn at random, a calibration is
fitted to them, and measured on all others of the corpus over the same line. Every recording goes over every line, and
stays as it is (`native`; for recordings of telephones, a real line). Nothing that is measured here trains anything.
"""

import argparse
import pickle
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.scoring import Calibration, Curve
from bonafide.errors import InvalidInput
from training.calibration.domain.fit import CorrectionPrior, DomainTrials, bounded, corrected, fit
from training.calibration.domain.lines import CHOOSING, LINES
from training.calibration.domain.material import DomainRecording, RecordingRole, trials
from training.corpus.manifest import Clip, ManifestError, digest, read_manifest
from training.evaluation.evidence import load, read
from training.evaluation.metrics import Floats, Trials, cllr, min_cllr
from training.parallel import in_parallel

BUNDLE = Path(".build/layers/model/bundle")
CACHE = Path(".build/domain-study")
NATIVE = "native"
SPEAKERS = (5, 10, 20, 50, 100)
# With fewer speakers left to measure on, a draw says little.
LEFT = 14
# Impostor comparisons that are measured; more only take longer.
MEASURED = 20_000

type OverLines = Mapping[str, Evidence]


@dataclass(frozen=True, slots=True)
class StudySet:
    """Comparisons of one corpus over one line in one condition.

    Attributes:
        name: of corpus, line and condition.
        trials: of all speakers.
        curve: of the global calibration.
    """

    name: str
    trials: DomainTrials
    curve: Curve


def sets(
    clips: Sequence[Clip], found: Sequence[OverLines], base: Calibration, lines: Sequence[str]
) -> Iterator[StudySet]:
    """Yields every corpus over every line, and, where that is another band, enrolled without the line."""
    corpora: dict[str, list[tuple[Clip, OverLines]]] = defaultdict(list)
    for clip, each in zip(clips, found, strict=True):
        if each:
            corpora[clip.row["group"]].append((clip, each))
    for corpus, recordings in corpora.items():
        for line in lines:
            for sides in (_alike(recordings, line), _crossed(recordings, line)):
                for condition, own in trials(sides, base).items():
                    yield StudySet(f"{corpus}, {line}, {condition}", own, base.curves[condition])


def _alike(recordings: Sequence[tuple[Clip, OverLines]], line: str) -> list[DomainRecording]:
    """Sends both sides over the line; recordings of telephones over no wideband line."""
    return [
        DomainRecording(clip.speaker, each[line])
        for clip, each in recordings
        if {each[NATIVE].channel, each[line].channel} != {Channel.NARROWBAND, Channel.WIDEBAND}
        or each[NATIVE].channel is Channel.WIDEBAND
    ]


def _crossed(recordings: Sequence[tuple[Clip, OverLines]], line: str) -> list[DomainRecording]:
    """Enrolls each speaker's first recording as it is, if it is wideband and the line is not."""
    sides, known = [], set()
    for clip, each in recordings:
        if (each[NATIVE].channel, each[line].channel) != (Channel.WIDEBAND, Channel.NARROWBAND):
            continue
        first = clip.speaker not in known
        known.add(clip.speaker)
        role = RecordingRole.ENROLLMENT if first else RecordingRole.CALL
        sides.append(DomainRecording(clip.speaker, each[NATIVE if first else line], role))
    return sides


def measure(study: StudySet, prior: CorrectionPrior, draws: int) -> Iterator[tuple[int, Floats]]:
    """Yields each number of speakers with figures of its draws, shape (draws, 3).

    They are Cllr of the fit, of the global calibration, and the least, on speakers that the fit did not see.
    """
    speakers = np.unique([study.trials.enrolled, study.trials.tested])
    for count in SPEAKERS:
        if len(speakers) - count < LEFT:
            return
        generator = np.random.default_rng(count)
        found = [_draw(study, prior, generator.permutation(speakers), count) for _ in range(draws)]
        if drawn := [each for each in found if each]:
            yield count, np.array(drawn)


def _draw(study: StudySet, prior: CorrectionPrior, order: np.ndarray, count: int) -> tuple[float, float, float] | None:
    own, rest = study.trials.of(order[:count]), study.trials.of(order[count:])
    if not own.complete or not rest.complete:
        return None
    impostors = np.flatnonzero(~rest.targets)
    left_out = impostors[MEASURED:] if len(impostors) > MEASURED else impostors[:0]
    measured = rest.at(~np.isin(np.arange(len(rest.targets)), left_out))
    plain = Trials.of(bounded(measured.llr, study.curve.lowest, study.curve.highest), measured.targets)
    fitted = Trials.of(corrected(fit(own, study.curve, prior), measured), measured.targets)
    return cllr(fitted), cllr(plain), min_cllr(plain)


def over_lines(bundle: Path, numbered: tuple[int, Clip]) -> OverLines:
    """Extracts evidence from a recording as it is and over every line; nothing from one that is refused or silent."""
    index, clip = numbered
    try:
        waveform, _ = read(clip.path)
    except InvalidInput:
        return {}
    models = load(bundle)
    sent = {
        name: line(waveform, np.random.default_rng([7, index, number]))
        for number, (name, line) in enumerate(LINES.items())
    }
    found = {name: models.observe(each, [Channel.NARROWBAND]) for name, each in {**sent, NATIVE: waveform}.items()}
    return found if all(each.embeddings for each in found.values()) else {}


def table(rows: Sequence[tuple[str, int, Floats]]) -> Iterator[str]:
    """Yields a Markdown table: means over draws, and the worst draw."""
    yield "| corpus, line, condition | speakers | global | own | min | own - min: mean (worst) | own - global |"
    yield "|---|---|---|---|---|---|---|"
    for name, count, found in rows:
        own, plain, least = found.T
        means = " | ".join(f"{each.mean():.3f}" for each in (plain, own, least))
        gaps = " | ".join(f"{each.mean():+.3f} ({each.max():+.3f})" for each in (own - least, own - plain))
        yield f"| {name} | {count} | {means} | {gaps} |"


def study(manifest: Path, bundle: Path, lines: Sequence[str], prior: CorrectionPrior, draws: int) -> Iterator[str]:
    """Yields the lines of the report; evidence is kept for the next study of the same manifest and bundle."""
    clips = read_manifest(manifest, ("path", "speaker", "group"))
    models = Bundle.load(bundle)
    base = Calibration.parse(models.calibration)
    kept = CACHE / f"{digest(manifest)[:16]}-{models.digest[:16]}.pkl"
    if not kept.exists():
        found = in_parallel("extracting evidence", partial(over_lines, bundle), list(enumerate(clips)))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    # Written by this command, on this machine.
    evidence = pickle.loads(kept.read_bytes())  # noqa: S301
    rows = [(each.name, *row) for each in sets(clips, evidence, base, lines) for row in measure(each, prior, draws)]
    yield from table(rows)


def main() -> int:
    """Runs the command."""
    default = CorrectionPrior()
    parser = argparse.ArgumentParser(description="Measure what calibrations of domains give.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    parser.add_argument("--lines", choices=("reported", "choosing"), default="reported")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--scale-spread", type=float, default=default.scale_spread)
    parser.add_argument("--shift-spread", type=float, default=default.shift_spread)
    parser.add_argument("--comparisons", type=float, default=default.comparisons_of_50)
    parser.add_argument("--bounding", type=float, default=default.bounding_speakers)
    given = parser.parse_args()
    reported = [*(name for name in LINES if name not in CHOOSING), NATIVE]
    prior = CorrectionPrior(given.scale_spread, given.shift_spread, given.comparisons, given.bounding)
    if not given.manifest.is_file():
        sys.stderr.write(f"{given.manifest}: there are no recordings, so nothing is measured\n")
        return 2
    try:
        lines = CHOOSING if given.lines == "choosing" else reported
        for line in study(given.manifest, given.bundle, lines, prior, given.draws):
            print(line, flush=True)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
