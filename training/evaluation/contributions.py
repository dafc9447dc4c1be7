"""Measures whom enrollment lets add to a voiceprint: strangers who enter, and speakers who are refused.

    python -m training.evaluation.contributions --manifest path.csv [--condition native|telephone|cross] [--bundle DIR]

A voiceprint and a contribution are neighboring recordings of one speaker, pooled until they hold 5 or 20 s, and 5 or
15 s of speech. Each contribution is judged as the service judges it, against every voiceprint that shares no recording
with it. Nothing is chosen here: the table shows several bounds, `biometrics/enrollment.py` has the one that serves.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.enrollment import MINIMUM_LLR
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.scoring import Calibration, Condition
from bonafide.biometrics.voiceprint import Voiceprint
from training.corpus.manifest import ManifestError, read_manifest, refusals
from training.evaluation.batch import score
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import extract
from training.evaluation.metrics import Floats
from training.evaluation.trials import CONDITIONS

ENROLLED_SECONDS, ADDED_SECONDS, MOST_SECONDS = (5.0, 20.0), (5.0, 15.0), 30.0
BOUNDS = (-2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class SpokenRecording:
    """A recording on both lines of a condition.

    Attributes:
        speaker: who speaks.
        enrolled: evidence on the line of the voiceprint.
        added: evidence on the line of the contribution.
    """

    speaker: str
    enrolled: Evidence
    added: Evidence


@dataclass(frozen=True, slots=True)
class ContributionTrials:
    """LLRs of contributions in one condition.

    Attributes:
        genuine: to the own voiceprint, shape (n,).
        impostor: to those of others, shape (m,).
    """

    genuine: Floats
    impostor: Floats

    def refused(self, bound: float) -> float:
        """Returns the share of genuine contributions below a bound."""
        return float(np.mean(self.genuine < bound))

    def entered(self, bound: float) -> float:
        """Returns the share of the others from it on."""
        return float(np.mean(self.impostor >= bound))


def trials(recordings: Sequence[SpokenRecording], calibration: Calibration) -> Mapping[Condition, ContributionTrials]:
    """Judges every contribution against every voiceprint that shares no recording with it.

    Conditions without genuine contributions, or without those of others, are left out.
    """
    own: dict[str, list[SpokenRecording]] = defaultdict(list)
    for each in recordings:
        own[each.speaker].append(each)
    added = [
        (name, part, _pooled([each.added for each in part]))
        for name, ring in own.items()
        for part in _parts(ring, ADDED_SECONDS)
    ]
    llrs: dict[tuple[Condition, bool], list[float]] = defaultdict(list)
    for name, ring in own.items():
        for part in _parts(ring, ENROLLED_SECONDS):
            voiceprint = Voiceprint.of([each.enrolled for each in part])
            for other, spoken, evidence in added:
                if not any(each is known for each in spoken for known in part):
                    found = score(voiceprint, evidence, calibration)
                    llrs[found.condition, name == other].append(found.llr)
    return {
        each: ContributionTrials(np.array(llrs[each, True]), np.array(llrs[each, False]))
        for each in Condition
        if llrs[each, True] and llrs[each, False]
    }


def _parts(ring: Sequence[SpokenRecording], lengths: Sequence[float]) -> Iterator[Sequence[SpokenRecording]]:
    """Yields runs of neighbors in a ring, from each recording on, that just hold each length of speech."""
    for start in range(len(ring)):
        turned = [*ring[start:], *ring[:start]]
        seconds = np.cumsum([each.added.speech_seconds for each in turned])
        for length in lengths:
            count = int(np.searchsorted(seconds, length)) + 1
            if count <= len(turned) and seconds[count - 1] <= MOST_SECONDS:
                yield turned[:count]


def _pooled(evidence: Sequence[Evidence]) -> Evidence:
    """Takes recordings of one band for one, as the chunks of a session are pooled."""
    first, pooled = evidence[0], Voiceprint.of(evidence)
    embeddings = {band: template.embedding for band, template in pooled.templates.items()}
    return Evidence(pooled.speech_seconds, first.channel, embeddings, first.quality, first.embedding_space)


def measure(manifest: Path, bundle: Path, condition: str) -> Mapping[Condition, ContributionTrials]:
    """Extracts evidence and judges.

    Raises:
        ManifestError: the manifest cannot be used, or too few of its speakers hold enough speech.
    """
    clips = read_manifest(manifest)
    lines = CONDITIONS[condition]
    found = extract([clip.path for clip in clips], bundle, sorted(set(lines)))
    refusals(clips, [each.refused for each in found])
    recordings = [
        SpokenRecording(clip.speaker, *(each.evidence[line] for line in lines))
        for clip, each in zip(clips, found, strict=True)
        if each.evidence and not each.silent
    ]
    made = trials(recordings, Calibration.parse(Bundle.load(bundle, liveness=False).calibration))
    if not made:
        raise ManifestError(f"{manifest}: fewer than two speakers hold enough speech for both sides")
    return made


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure whom enrollment lets add to a voiceprint.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--condition", choices=CONDITIONS, default="native")
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    try:
        made = measure(arguments.manifest, arguments.bundle, arguments.condition)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, each in made.items():
        sys.stdout.write("\n".join([*_table(name, each), ""]))
    return 0


def _table(condition: Condition, made: ContributionTrials) -> Iterator[str]:
    yield f"{condition}: {len(made.genuine)} contributions of the speaker, {len(made.impostor)} of others"
    for bound in BOUNDS:
        serves = "  serves" if bound == MINIMUM_LLR[condition] else ""
        yield f"  LLR {bound:4}  refused {made.refused(bound):.4f}  entered {made.entered(bound):.4f}{serves}"


if __name__ == "__main__":
    sys.exit(main())
