"""Measures which contributions are refused as synthetic, by how much speech they hold.

    python -m training.evaluation.attacks.synthetic --manifest path.csv [--condition native|telephone] [--bundle DIR]

Columns `path,speaker`; with `label` (`bonafide` or `spoof`) and `system` also synthetic ones. A contribution is a run
of neighboring recordings of one speaker, or of one system, that just holds 3, 5 or 15 s of speech; its LLR is the mean
of theirs, weighted by their speech. Recordings that an enrollment refuses for their quality are left out.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.enrollment import require_bona_fide, require_enrollment_quality
from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.liveness import LivenessScale
from bonafide.errors import UnsupportedAudio
from training.corpus.manifest import Clip, ManifestError, read_manifest, refusals
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import LineKind, extract
from training.evaluation.spoof import BONAFIDE, SPOOF, system

LENGTHS = (3.0, 5.0, 15.0)

# Who speaks, with whether that is a person; and of each recording its LLR and its seconds of speech.
type Voice = tuple[str, str]
type Scored = tuple[float, float]


def contributions(recordings: Sequence[Scored], seconds: float) -> Iterator[float]:
    """Yields the LLR of every run of neighbors that just holds so much speech."""
    for start in range(len(recordings)):
        spoken = total = 0.0
        for llr, speech in recordings[start:]:
            spoken, total = spoken + speech, total + llr * speech
            if spoken >= seconds:
                yield total / spoken
                break


def refused(scored: Mapping[Voice, Sequence[Scored]], scale: LivenessScale) -> Iterator[tuple[str, float, int, float]]:
    """Yields label, seconds, how many contributions there are, and the share of them that is refused."""
    for label in (BONAFIDE, SPOOF):
        for seconds in LENGTHS:
            own = [each for voice, each in scored.items() if voice[0] == label]
            llrs = [llr for recordings in own for llr in contributions(recordings, seconds)]
            if llrs:
                yield label, seconds, len(llrs), sum(_is_refused(llr, scale) for llr in llrs) / len(llrs)


def measure(manifest: Path, bundle: Path, line: LineKind) -> Mapping[Voice, Sequence[Scored]]:
    """Extracts the evidence of a manifest.

    Raises:
        ManifestError: it cannot be used, or the bundle detects no synthetic speech.
    """
    clips = read_manifest(manifest)
    found = extract([clip.path for clip in clips], bundle, [line])
    refusals(clips, [each.refused for each in found])
    scored: dict[Voice, list[Scored]] = defaultdict(list)
    for clip, each in zip(clips, found, strict=True):
        if each.evidence and not each.silent:
            with suppress(UnsupportedAudio):
                scored[_voice(clip)].append(_scored(each.evidence[line]))
    return scored


def _voice(clip: Clip) -> Voice:
    label = clip.row.get("label") or BONAFIDE
    return label, system(clip) if label == SPOOF else clip.speaker


def _scored(evidence: Evidence) -> Scored:
    require_enrollment_quality(evidence)
    if evidence.liveness is None:
        raise ManifestError("the bundle has no detector of synthetic speech")
    return evidence.liveness, evidence.speech_seconds


def _is_refused(llr: float, scale: LivenessScale) -> bool:
    try:
        require_bona_fide(scale.state(llr))
    except UnsupportedAudio:
        return True
    return False


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure which contributions are refused as synthetic.")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--condition", type=LineKind, choices=list(LineKind), default=LineKind.NATIVE)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    arguments = parser.parse_args()
    try:
        scored = measure(arguments.manifest, arguments.bundle, arguments.condition)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    scale = LivenessScale.parse(Bundle.load(arguments.bundle, liveness=False).calibration["liveness"])
    for label, seconds, count, share in refused(scored, scale):
        sys.stdout.write(f"{label:8}  {seconds:4} s of speech  {count:6}  refused {share:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
