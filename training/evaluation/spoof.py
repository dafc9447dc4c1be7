"""Measures the detector of synthetic speech on a manifest, through the graph that serves.

Columns: `path,label,system`, label `bonafide` or `spoof`. Rates are fractions; a recording's score is the LLR that is
served. Intervals resample systems and bona fide recordings: recordings of one system are not independent.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import SHORTEST_SPEECH_SECONDS, Bundle, DetectedSpeech
from bonafide.audio.waveform import Waveform
from bonafide.biometrics.liveness import LivenessScale
from bonafide.errors import InvalidInput
from training.corpus.manifest import Clip, ManifestError, digest, read_manifest, refusals
from training.corpus.telephone import telephone
from training.evaluation.bootstrap import Interval, Measures, intervals, measured
from training.evaluation.evidence import LineKind, load, read
from training.evaluation.metrics import Trials, cllr, eer, fnmr_at_fmr
from training.parallel import in_parallel

SCHEMA = 1
COLUMNS = ("path", "label", "system")
# At this EER or above a system counts as not detected.
CHANCE = 0.4
BONAFIDE, SPOOF = "bonafide", "spoof"
# The system of spoofed recordings whose row names none.
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class ScoredSpeech:
    """Recordings with their scores.

    Attributes:
        llr: mean over the windows of each, shape (n,); positive favors bona fide.
        human: whether bona fide, shape (n,).
        systems: name of the generating system of each; empty for bona fide speech.
        refused: how many more could not be decoded, by the reason.
    """

    llr: NDArray[np.float64]
    human: NDArray[np.bool_]
    systems: Sequence[str]
    refused: Counter[str] = field(default_factory=Counter)


def evaluate(manifest: Path, bundle: Path, condition: str) -> Mapping[str, Any]:
    """Scores every recording on one line and sums up.

    Raises:
        ManifestError: the manifest cannot be used, or lacks one of the classes.
    """
    return summarize(manifest, bundle, condition, score(manifest, bundle, condition))


def score(manifest: Path, bundle: Path, condition: str) -> ScoredSpeech:
    """Scores every recording that can be decoded.

    Raises:
        ManifestError: the manifest cannot be used, or lacks one of the classes.
    """
    clips = read_labeled(manifest)
    _require_both(manifest, clips)
    llrs = in_parallel("scoring", partial(score_file, bundle, LineKind(condition)), [clip.path for clip in clips])
    refused = refusals(clips, [each if isinstance(each, str) else None for each in llrs])
    used = [(clip, each) for clip, each in zip(clips, llrs, strict=True) if not isinstance(each, str)]
    _require_both(manifest, [clip for clip, _ in used])
    return ScoredSpeech(
        np.array([llr for _, llr in used]),
        np.array([clip.row["label"] == BONAFIDE for clip, _ in used]),
        [system(clip) for clip, _ in used],
        refused,
    )


def summarize(manifest: Path, bundle: Path, condition: str, scored: ScoredSpeech) -> Mapping[str, Any]:
    """Sums up the scores of a manifest."""
    models = load(bundle)
    scale = LivenessScale.parse(models.calibration["liveness"])
    return {
        "schema": SCHEMA,
        "task": "spoof",
        "condition": condition,
        "manifest": digest(manifest),
        "bundle": models.digest,
        "listed": len(scored.llr) + scored.refused.total(),
        "used": len(scored.llr),
        "skipped": dict(sorted(scored.refused.items())),
        **figures(scored, (scale.spoof_below, scale.bona_fide_from)),
    }


def read_labeled(manifest: Path) -> list[Clip]:
    """Reads a manifest of labeled speech; whether bona fide speech names a system does not matter.

    Raises:
        ManifestError: it cannot be used; the message names the row.
    """
    clips = read_manifest(manifest, COLUMNS)
    for clip in clips:
        if clip.row["label"] not in {BONAFIDE, SPOOF}:
            label = clip.row["label"]
            raise ManifestError(f"{manifest}: line {clip.line} has the label {label!r}, not {BONAFIDE} or {SPOOF}")
    return clips


def _require_both(manifest: Path, clips: Sequence[Clip]) -> None:
    """Refuses recordings of one class."""
    missing = {BONAFIDE, SPOOF} - {clip.row["label"] for clip in clips}
    if missing:
        raise ManifestError(f"{manifest}: needs usable recordings of both labels, has none that are {missing.pop()}")


def system(clip: Clip) -> str:
    """Returns the name of the generating system; empty for bona fide speech."""
    return (clip.row["system"] or UNNAMED) if clip.row["label"] == SPOOF else ""


def score_file(bundle: Path, line: LineKind, path: Path) -> float | str:
    """Scores one recording, or returns the code of the reason why it cannot be decoded."""
    try:
        waveform, _ = read(path)
    except InvalidInput as error:
        return error.code
    return liveness(load(bundle), telephone(waveform) if line is LineKind.TELEPHONE else waveform)


def liveness(models: Bundle, waveform: Waveform) -> float:
    """Scores as served, or all samples when no speech was found: an evaluation scores every recording.

    Raises:
        ValueError: the bundle has no detector of synthetic speech.
    """
    speech = models.find_speech(waveform)
    if speech.seconds < SHORTEST_SPEECH_SECONDS:
        speech = DetectedSpeech.of_all(waveform, speech.channel, speech.quality)
    llr = models.liveness(speech)
    if llr is None:
        raise ValueError("the bundle has no detector of synthetic speech")
    return llr


def figures(scored: ScoredSpeech, thresholds: tuple[float, float]) -> Mapping[str, Any]:
    """Returns error rates with intervals, by system, and at the shipped thresholds (spoof below, bona fide from)."""
    measures: Measures = {
        "eer": eer,
        "apcer_at_bpcer_5pct": apcer_at_bpcer,
        "bpcer_at_apcer_10pct": partial(fnmr_at_fmr, fmr=0.10),
        "cllr": cllr,
    }
    trials = Trials.of(scored.llr, scored.human)
    per_system = {name: _system(scored, name) for name in sorted({name for name in scored.systems if name})}
    low, high = thresholds
    return {
        **{name: measure(trials) for name, measure in measures.items()},
        "confidence_intervals": _intervals(scored, measures),
        "per_system": per_system,
        "at_chance": [name for name, each in per_system.items() if each["eer"] >= CHANCE],
        "apcer_at_bpcer_5pct_worst": max(each["apcer_at_bpcer_5pct"] for each in per_system.values()),
        "thresholds": {"spoof_below": low, "bonafide_from": high},
        "apcer": float(np.mean(scored.llr[~scored.human] >= low)),
        "bpcer": float(np.mean(scored.llr[scored.human] < low)),
        "uncertain": float(np.mean((scored.llr >= low) & (scored.llr < high))),
        "bonafide": int(scored.human.sum()),
        "spoofed": int((~scored.human).sum()),
    }


def apcer_at_bpcer(trials: Trials, bpcer: float = 0.05) -> float:
    """Returns the share of spoofs above the highest threshold that refuses at most `bpcer` of bona fide speech."""
    flipped = Trials.of(-trials.scores, ~trials.targets, trials.weights)
    return fnmr_at_fmr(flipped, bpcer)


def _intervals(scored: ScoredSpeech, measures: Measures) -> Mapping[str, Interval]:
    """Returns 95 % intervals over systems and bona fide recordings."""
    names = np.array([name or f"\0{index}" for index, name in enumerate(scored.systems)])
    _, unit = np.unique(names, return_inverse=True)

    def draw(generator: np.random.Generator) -> Trials:
        return Trials.of(scored.llr, scored.human, _resampled(unit, scored.human, generator))

    return intervals(draw, partial(measured, measures))


def _resampled(unit: NDArray[np.intp], human: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.float64]:
    """Draws how often each recording counts: units of either class are drawn with replacement."""
    counts = np.zeros(int(unit.max()) + 1)
    for side in (human, ~human):
        units = np.unique(unit[side])
        np.add.at(counts, generator.choice(units, len(units)), 1)
    return np.asarray(counts[unit], np.float64)


def _system(scored: ScoredSpeech, name: str) -> Mapping[str, float]:
    chosen = scored.human | (np.array(scored.systems) == name)
    trials = Trials.of(scored.llr[chosen], scored.human[chosen])
    return {
        "recordings": int((~trials.targets).sum()),
        "eer": eer(trials),
        "apcer_at_bpcer_5pct": apcer_at_bpcer(trials),
    }
