"""Measures the whole decision on two manifests: speakers and other humans of one, synthetic speech of the other.

`training.claims` says how synthetic speech claims to be somebody. Bona fide rows of the second manifest are left out:
nobody who is enrolled speaks in them. Whatever is not ACCEPT counts as not accepted, also a step-up and too little
speech.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonafide.adapters.onnx import Bundle
from bonafide.biometrics.decision import Decision, decide, fused_llr
from bonafide.biometrics.metrics import (
    DetectionCosts,
    Floats,
    Indices,
    Kind,
    TandemTrials,
    a_dcf,
    can_resample,
    min_a_dcf,
)
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import Calibration
from training.claims import DRAWS, NOBODY, SEED, Claim, Copy, by_copies, by_humans
from training.listen import listen, progress
from training.manifest import ManifestError, digest, read_manifest, refusals
from training.spoof.evaluate import SPOOF, read_labelled, system
from training.trials import CONDITIONS, Recording, enrolments

SCHEMA = 1
REPLICATES = 400
FEW = "needs two speakers with enough usable recordings, and two of one of them"
NO_SPOOF = "needs a spoofed recording that can be used"
POLICY = Policy()
# As no spoof at all; a policy wants more than 0.
NO_SPOOFS = replace(POLICY, spoof_prior=1e-150)
# What the authors of the a-DCF chose for their tables: spoofs are common and dearer than impostors.
PUBLISHED = replace(
    POLICY,
    impostor_prior=0.05,
    spoof_prior=0.05,
    false_reject_cost=1.0,
    false_accept_cost=10.0,
    spoof_accept_cost=20.0,
)


@dataclass(frozen=True, slots=True)
class Table:
    """Claims by columns, shape (claims,) each.

    Attributes:
        kinds: values of `Kind`.
        weights: how much each counts.
        systems: that made the speech; empty for humans.
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
    def of(cls, claims: Sequence[Claim]) -> "Table":
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
        """Weights after drawing speakers, and systems, with replacement."""
        systems = int(self.units.max()) - self.speakers
        drawn = [np.bincount(generator.integers(many, size=many), minlength=many) for many in (self.speakers, systems)]
        counts = np.concatenate([[1], *drawn])[self.units]
        return np.asarray(self.weights * counts[:, 0] * counts[:, 1], np.float64)


@dataclass(frozen=True, slots=True)
class Made:
    """The claims of two manifests.

    Attributes:
        table: of them.
        left_out: bona fide rows of the manifest of synthetic speech.
        skipped: recordings that could not be decoded, by the reason.
    """

    table: Table
    left_out: int
    skipped: Mapping[str, int]


def evaluate(manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int) -> Mapping[str, Any]:
    """Makes every claim and sums up.

    Args:
        manifests: of speakers, and of labelled speech.
        bundle: what serves.
        condition: which lines the speech goes through.
        enroll: how many recordings make a voiceprint.

    Raises:
        ManifestError: a manifest cannot be used, or no claims of a kind can be made.
    """
    return summarise(manifests, bundle, condition, enroll, make(manifests, bundle, condition, enroll))


def make(manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int) -> Made:
    """Listens to both manifests and decides every claim; arguments and errors are those of `evaluate`."""
    clips, labelled = read_manifest(manifests[0]), read_labelled(manifests[1])
    synthetic = [clip for clip in labelled if clip.row["label"] == SPOOF]
    _require(bool(synthetic), manifests[1], NO_SPOOF)
    lines = CONDITIONS[condition]
    heard = listen([clip.path for clip in [*clips, *synthetic]], bundle, set(lines))
    pairs = [(clip, each) for clip, each in zip([*clips, *synthetic], heard, strict=True)]
    recordings = [Recording.of(clip, each, *lines) for clip, each in pairs[: len(clips)] if each.evidence]
    copies = [
        Copy(clip.speaker, system(clip), each.evidence[lines[1]]) for clip, each in pairs[len(clips) :] if each.evidence
    ]
    _require(bool(copies), manifests[1], NO_SPOOF)
    enrolled, calibration = enrolments(recordings, enroll), Calibration.parse(Bundle.load(bundle).calibration)
    humans = by_humans(enrolled, recordings, calibration)
    _require(len({each.kind for each in humans}) == 2, manifests[0], FEW)
    table = Table.of([*humans, *by_copies(copies, enrolled, humans, calibration)])
    refused = refusals([*clips, *synthetic], [each.refused for each in heard])
    return Made(table, len(labelled) - len(synthetic), dict(sorted(refused.items())))


def summarise(manifests: tuple[Path, Path], bundle: Path, condition: str, enroll: int, made: Made) -> Mapping[str, Any]:
    """The report on two manifests."""
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


def figures(table: Table) -> Mapping[str, Any]:
    """Costs with their intervals, at the costs of the default policy and at published ones, and what was decided."""
    systems, ranked = sorted(set(table.systems.tolist()) - {""}), rank(table)
    return {
        **measure(ranked, table.weights),
        "confidence_intervals": _intervals(table, ranked),
        "policy": asdict(POLICY),
        "costs": _described(costs(POLICY)),
        "published_costs": _described(costs(PUBLISHED)),
        "decisions": {kind.name.lower(): _mix(table, table.kinds == kind) for kind in Kind},
        "per_system": {name: _mix(table, table.systems == name) for name in systems},
    }


@dataclass(frozen=True, slots=True)
class Ranked:
    """Claims in the order of one score, sorted once for all resamples.

    Attributes:
        trials: as the metrics take them.
        order: indices of the claims.
    """

    trials: TandemTrials
    order: Indices

    @classmethod
    def of(cls, table: Table, scores: Floats, decisions: NDArray[np.str_]) -> "Ranked":
        """Ranks by a score; accepted is what was decided."""
        trials = TandemTrials.of(scores, table.kinds, decisions == Decision.ACCEPT, table.weights)
        return cls(trials, np.argsort(scores, kind="stable"))

    def weighted(self, weights: Floats) -> TandemTrials:
        """With weights in the order of the table."""
        return self.trials.reweighted(weights[self.order])


def rank(table: Table) -> tuple[Ranked, Ranked, Ranked]:
    """By the score of the whole decision, by the same at published costs, and by the speaker's alone."""
    return (
        Ranked.of(table, table.fused, table.decisions),
        Ranked.of(table, table.published, table.decisions),
        Ranked.of(table, table.speaker, table.alone),
    )


def measure(ranked: tuple[Ranked, Ranked, Ranked], weights: Floats) -> Mapping[str, float]:
    """The costs of the whole decision, and of the speaker's score alone."""
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
    """What errors cost under a policy."""
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


def _fused(claims: Sequence[Claim], policy: Policy) -> Floats:
    return np.array([fused_llr(each.score.llr, each.evidence.liveness, policy) for each in claims])


def _decided(claims: Sequence[Claim], policy: Policy) -> NDArray[np.str_]:
    return np.array([decide(each.score, each.evidence, policy).decision for each in claims])


def _intervals(table: Table, ranked: tuple[Ranked, Ranked, Ranked]) -> Mapping[str, list[float] | None]:
    """95 % intervals by resampling speakers and systems: claims that share one are not independent.

    None where there are too few speakers, as in `metrics.bootstrap`.
    """
    if not can_resample(table.units[table.kinds == Kind.TARGET, 0], table.speakers):
        return dict.fromkeys(measure(ranked, table.weights))
    generator = np.random.default_rng(SEED)
    drawn = [table.resampled(generator) for _ in range(REPLICATES)]
    complete = [weights for weights in drawn if all(weights[table.kinds == kind].any() for kind in Kind)]
    rows = [measure(ranked, weights) for weights in progress("resampling", complete, len(complete))]
    return {name: np.quantile([row[name] for row in rows], [0.025, 0.975]).tolist() for name in rows[0]}


def _described(priced: DetectionCosts) -> Mapping[str, float]:
    return {"target_prior": 1.0 - priced.nontarget_prior - priced.spoof_prior, **asdict(priced)}


def _mix(table: Table, chosen: NDArray[np.bool_]) -> Mapping[str, float]:
    """Share of each decision."""
    weights = table.weights * chosen
    return {each: float(weights @ (table.decisions == each) / weights.sum()) for each in Decision}


def described(table: Table) -> Mapping[str, Any]:
    """How synthetic speech came to a speaker score; every recording counts once, in however many claims."""
    spoofs, cloned = table.kinds == Kind.SPOOF, table.units[:, 0] == 0
    ways = {"against_their_speakers": spoofs & ~cloned, "assumed_perfect_clones": spoofs & cloned}
    counted = {
        name: {"recordings": round(float(table.weights[chosen].sum())), "claims": int(chosen.sum())}
        for name, chosen in ways.items()
    }
    return {**counted, "draws_for_each_clone": DRAWS, "seed": SEED}
