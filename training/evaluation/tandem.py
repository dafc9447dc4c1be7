"""Measures the whole decision on two manifests: speakers and other humans of one, synthetic speech of the other.

`training.evaluation.claims` says how synthetic speech claims to be somebody. Bona fide rows of the second manifest are
left out: nobody who is enrolled speaks in them. Every decision but ACCEPT counts as not accepted, also a step-up and
too little speech.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.decision import Decision, decide, fused_llr
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from training.corpus.manifest import ManifestError, digest, read_manifest, refusals
from training.evaluation.bootstrap import Interval, can_resample, intervals
from training.evaluation.claims import DRAWS, NOBODY, SEED, IdentityClaim, SyntheticRecording, by_copies, by_humans
from training.evaluation.evidence import extract
from training.evaluation.metrics import (
    DetectionCosts,
    Floats,
    Indices,
    Kind,
    TandemTrials,
    a_dcf,
    min_a_dcf,
)
from training.evaluation.spoof import SPOOF, read_labeled, system
from training.evaluation.trials import CONDITIONS, TrialRecording, enrollments

SCHEMA = 1
FEW = "needs two speakers with enough usable recordings, and two of one of them"
NO_SPOOF = "needs a spoofed recording that can be used"
POLICY = Policy()
# As no spoof at all; a policy wants more than 0.
NO_SPOOFS = replace(POLICY, spoof_prior=1e-150)
# As the authors of the a-DCF chose for their tables: spoofs are common and cost more than impostors.
PUBLISHED = replace(
    POLICY,
    impostor_prior=0.05,
    spoof_prior=0.05,
    false_reject_cost=1.0,
    false_accept_cost=10.0,
    spoof_accept_cost=20.0,
)


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """Claims by columns, shape (claims,) each.

    Attributes:
        kinds: values of `Kind`.
        weights: how much each counts.
        systems: names of the generating systems; empty for humans.
        speaker: LLRs of the speaker alone.
        fused: log posterior odds for the speaker who is claimed, under the default policy.
        published: the same under PUBLISHED.
        decisions: under the default policy.
        alone: the same without spoofs in mind.
        units: of resampling, by index; 0 is NOBODY, shape (claims, 2).
        speakers: how many of the units are speakers; the others are systems.
    """

    kinds: Indices
    weights: Floats
    systems: NDArray[np.str_]
    speaker: Floats
    fused: Floats
    published: Floats
    decisions: NDArray[np.str_]
    alone: NDArray[np.str_]
    units: Indices
    speakers: int

    @classmethod
    def of(cls, claims: Sequence[IdentityClaim]) -> "ClaimTable":
        """Decides every claim."""
        names = sorted({NOBODY, *(unit for each in claims for unit in each.units)})
        index = {name: number for number, name in enumerate(names)}
        return cls(
            kinds=np.array([each.kind for each in claims], np.intp),
            weights=np.array([each.weight for each in claims]),
            systems=np.array([each.system for each in claims]),
            speaker=np.array([each.score.llr for each in claims]),
            fused=_fused(claims, POLICY),
            published=_fused(claims, PUBLISHED),
            decisions=_decided(claims, POLICY),
            alone=_decided(claims, NO_SPOOFS),
            units=np.array([[index[unit] for unit in each.units] for each in claims], np.intp),
            speakers=sum(name.startswith("speaker") for name in names),
        )

    def resampled(self, generator: np.random.Generator) -> Floats:
        """Returns weights after drawing speakers, and systems, with replacement."""
        systems = int(self.units.max()) - self.speakers
        drawn = [np.bincount(generator.integers(many, size=many), minlength=many) for many in (self.speakers, systems)]
        counts = np.concatenate([[1], *drawn])[self.units]
        return np.asarray(self.weights * counts[:, 0] * counts[:, 1], np.float64)


@dataclass(frozen=True, slots=True)
class ClaimSet:
    """The claims of two manifests.

    Attributes:
        table: of them.
        left_out: bona fide rows of the manifest of synthetic speech.
        skipped: recordings that could not be decoded, by the reason.
    """

    table: ClaimTable
    left_out: int
    skipped: Mapping[str, int]


def evaluate(manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int) -> Mapping[str, Any]:
    """Makes every claim and sums up.

    Args:
        manifests: of speakers, and of labeled speech.
        bundle: what serves.
        condition: which lines the speech goes through.
        enroll: how many recordings make a voiceprint.

    Raises:
        ManifestError: a manifest cannot be used, or no claims of a kind can be made.
    """
    return summarize(manifests, bundle, condition, enroll, make(manifests, bundle, condition, enroll))


def make(manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int) -> ClaimSet:
    """Extracts evidence of both manifests and decides every claim; arguments and errors are those of `evaluate`."""
    clips, labeled = read_manifest(manifests[0]), read_labeled(manifests[1])
    synthetic = [clip for clip in labeled if clip.row["label"] == SPOOF]
    _require(bool(synthetic), manifests[1], NO_SPOOF)
    lines = CONDITIONS[condition]
    evidence = extract([clip.path for clip in [*clips, *synthetic]], bundle, set(lines))
    pairs = [(clip, each) for clip, each in zip([*clips, *synthetic], evidence, strict=True)]
    recordings = [TrialRecording.of(clip, each, *lines) for clip, each in pairs[: len(clips)] if each.evidence]
    copies = [
        SyntheticRecording(clip.speaker, system(clip), each.evidence[lines[1]])
        for clip, each in pairs[len(clips) :]
        if each.evidence
    ]
    _require(bool(copies), manifests[1], NO_SPOOF)
    enrolled, calibration = enrollments(recordings, enroll), Calibration.parse(Bundle.load(bundle).calibration)
    humans = by_humans(enrolled, recordings, calibration)
    _require(len({each.kind for each in humans}) == 2, manifests[0], FEW)
    table = ClaimTable.of([*humans, *by_copies(copies, enrolled, humans, calibration)])
    refused = refusals([*clips, *synthetic], [each.refused for each in evidence])
    return ClaimSet(table, len(labeled) - len(synthetic), dict(sorted(refused.items())))


def summarize(
    manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int, made: ClaimSet
) -> Mapping[str, Any]:
    """Sums up the claims of two manifests."""
    return {
        "schema": SCHEMA,
        "task": "tandem",
        "condition": condition,
        "enroll": enroll,
        "manifest": digest(manifests[0]),
        "spoof_manifest": digest(manifests[1]),
        "bundle": Bundle.load(bundle).digest,
        **figures(made.table),
        "claims": {kind.name.lower(): int(np.sum(made.table.kinds == kind)) for kind in Kind},
        "spoofs": described(made.table),
        "bonafide_left_out": made.left_out,
        "skipped": made.skipped,
    }


def figures(table: ClaimTable) -> Mapping[str, Any]:
    """Returns costs with their intervals, under the default policy and at published costs, and the decisions."""
    systems, ranked = sorted(set(table.systems.tolist()) - {""}), rank(table)
    return {
        **measure(ranked, table.weights),
        "confidence_intervals": _intervals(table, ranked),
        "policy": asdict(POLICY),
        "costs": _described(costs(POLICY)),
        "published_costs": _described(costs(PUBLISHED)),
        "decisions": {kind.name.lower(): _decision_shares(table, table.kinds == kind) for kind in Kind},
        "per_system": {name: _decision_shares(table, table.systems == name) for name in systems},
    }


@dataclass(frozen=True, slots=True)
class RankedClaims:
    """Claims in the order of one score, sorted once for all resamples.

    Attributes:
        trials: as the metrics take them.
        order: indices of the claims.
    """

    trials: TandemTrials
    order: Indices

    @classmethod
    def of(cls, table: ClaimTable, scores: Floats, decisions: NDArray[np.str_]) -> "RankedClaims":
        """Ranks by a score; accepted are the claims whose decision is ACCEPT."""
        trials = TandemTrials.of(scores, table.kinds, decisions == Decision.ACCEPT, table.weights)
        return cls(trials, np.argsort(scores, kind="stable"))

    def weighted(self, weights: Floats) -> TandemTrials:
        """Returns the trials with weights in the order of the table."""
        return self.trials.reweighted(weights[self.order])


def rank(table: ClaimTable) -> tuple[RankedClaims, RankedClaims, RankedClaims]:
    """Ranks by the score of the whole decision, by the same at published costs, and by the speaker's score alone."""
    return (
        RankedClaims.of(table, table.fused, table.decisions),
        RankedClaims.of(table, table.published, table.decisions),
        RankedClaims.of(table, table.speaker, table.alone),
    )


def measure(ranked: tuple[RankedClaims, RankedClaims, RankedClaims], weights: Floats) -> Mapping[str, float]:
    """Measures the costs of the whole decision, and of the speaker's score alone."""
    whole, at_published, speaker = (each.weighted(weights) for each in ranked)
    served, published = costs(POLICY), costs(PUBLISHED)
    return {
        "a_dcf": a_dcf(whole, served),
        "min_a_dcf": min_a_dcf(whole, served),
        "speaker_alone_a_dcf": a_dcf(speaker, served),
        "speaker_alone_min_a_dcf": min_a_dcf(speaker, served),
        "published_min_a_dcf": min_a_dcf(at_published, published),
        "published_speaker_alone_min_a_dcf": min_a_dcf(speaker, published),
    }


def costs(policy: Policy) -> DetectionCosts:
    """Returns the costs of errors under a policy."""
    return DetectionCosts(
        nontarget_prior=policy.impostor_prior,
        spoof_prior=policy.spoof_prior,
        miss=policy.false_reject_cost,
        false_accept=policy.false_accept_cost,
        spoof_accept=policy.spoof_accept_cost,
    )


def _require(enough: bool, manifest: Path, what: str) -> None:
    if not enough:
        raise ManifestError(f"{manifest}: {what}")


def _fused(claims: Sequence[IdentityClaim], policy: Policy) -> Floats:
    return np.array([fused_llr(each.score.llr, each.evidence.liveness, policy) for each in claims])


def _decided(claims: Sequence[IdentityClaim], policy: Policy) -> NDArray[np.str_]:
    return np.array([decide(each.score, each.evidence, policy).decision for each in claims])


def _intervals(
    table: ClaimTable, ranked: tuple[RankedClaims, RankedClaims, RankedClaims]
) -> Mapping[str, Interval | None]:
    """Returns 95 % intervals by resampling speakers and systems: claims that share one are not independent.

    None where there are too few speakers, as in `bootstrap.speaker_intervals`.
    """
    if not can_resample(table.units[table.kinds == Kind.TARGET, 0], table.speakers):
        return dict.fromkeys(measure(ranked, table.weights))

    def draw(generator: np.random.Generator) -> Floats | None:
        weights = table.resampled(generator)
        return weights if all(weights[table.kinds == kind].any() for kind in Kind) else None

    return intervals(draw, partial(measure, ranked), seed=SEED)


def _described(priced: DetectionCosts) -> Mapping[str, float]:
    return {"target_prior": 1.0 - priced.nontarget_prior - priced.spoof_prior, **asdict(priced)}


def _decision_shares(table: ClaimTable, chosen: NDArray[np.bool_]) -> Mapping[str, float]:
    """Returns the share of each decision among the chosen claims."""
    weights = table.weights * chosen
    return {each: float(weights @ (table.decisions == each) / weights.sum()) for each in Decision}


def described(table: ClaimTable) -> Mapping[str, Any]:
    """Counts the ways in which spoofs came to a speaker score; a recording counts once, in however many claims."""
    spoofs, cloned = table.kinds == Kind.SPOOF, table.units[:, 0] == 0
    ways = {"against_their_speakers": spoofs & ~cloned, "assumed_perfect_clones": spoofs & cloned}
    counted = {
        name: {"recordings": round(float(table.weights[chosen].sum())), "claims": int(chosen.sum())}
        for name, chosen in ways.items()
    }
    return {**counted, "draws_for_each_clone": DRAWS, "seed": SEED}
