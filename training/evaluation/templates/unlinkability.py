"""Measures whether protected templates of one person in two domains can be told to be of one person.

    python -m training.evaluation.templates.unlinkability --manifest path.csv [--condition telephone] [--bundle DIR]

The templates are those that are stored, decrypted: rotated by the secret of their domain. D-sys is 0 where they cannot
be linked at all, and 1 where they can always be. Source: Gomez-Barrero, Galbally, Rathgeb and Busch, "General framework
to evaluate unlinkability in biometric template protection systems", IEEE TIFS 13 (2018); metric of ISO/IEC 30136. The
same number for shuffled pairs says how much of it is chance. It also shows what an attacker has who knows templates of
some people in both domains, and that scores within a domain stay what they are.
"""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.templates.rotation import restored, rotated, rotation
from training.corpus.manifest import ManifestError, read_manifest, refusals
from training.evaluation.evaluate import BUNDLE
from training.evaluation.evidence import LineKind, extract
from training.evaluation.metrics import Floats

DOMAIN_PAIRS, MOST_BINS, SEED = 20, 100, 1
KNOWN = (16, 64, 128, 192, 256)
# Links that an attacker may get wrong, when it is said how many are found.
FALSE_LINKS = 0.01


@dataclass(frozen=True, slots=True)
class Templates:
    """Unit embeddings of recordings of many speakers in one band.

    Attributes:
        vectors: shape (n, dim).
        speakers: of each.
    """

    vectors: Floats
    speakers: Sequence[str]

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Tells for each two recordings whether they are two of one speaker, and whether of two; shape (n, n)."""
        names = np.array(self.speakers)
        same = names[:, None] == names[None, :]
        return same & ~np.eye(len(names), dtype=bool), ~same


@dataclass(frozen=True, slots=True)
class Linkability:
    """Cosines of templates of two domains.

    Attributes:
        mated: of one speaker, shape (n,).
        others: of different ones, shape (m,).
    """

    mated: Floats
    others: Floats

    @property
    def d_sys(self) -> float:
        """Global linkability, 0 to 1, with equal priors."""
        bins = min(len(self.mated) // 10, MOST_BINS)
        every = np.concatenate([self.mated, self.others])
        edges = np.linspace(float(every.min()), float(every.max()), bins + 1)
        mated, others = (np.histogram(each, edges)[0] / len(each) for each in (self.mated, self.others))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(others > 0, mated / others, np.inf)
            local = np.where(np.isinf(ratio), 1.0, 2 * ratio / (1 + ratio) - 1)
        return float(np.sum(mated * np.where(mated > others, local, 0.0)))

    @property
    def found(self) -> float:
        """Share of mated pairs above the cosine that only `FALSE_LINKS` of the others reach."""
        return float(np.mean(self.mated > np.quantile(self.others, 1 - FALSE_LINKS)))


def linkability(here: Floats, there: Floats, templates: Templates) -> Linkability:
    """Compares templates of the same recordings as two domains have them; a recording never with itself."""
    cosines = here @ there.T
    mated, others = templates.pairs
    return Linkability(cosines[mated], cosines[others])


def protected(templates: Templates, number: int) -> tuple[Floats, Floats]:
    """Returns the templates as two domains store them; every number is another pair of domains."""
    seeds = [hashlib.sha256(f"{number} {side}".encode()).digest() for side in ("here", "there")]
    dimension = templates.vectors.shape[1]
    here, there = (rotated(templates.vectors.astype(np.float32), rotation(seed, dimension)) for seed in seeds)
    return here.astype(np.float64), there.astype(np.float64)


def over_domains(templates: Templates, *, shuffled: bool = False) -> Linkability:
    """Pools the cosines of many pairs of domains; of speakers with shuffled names, to see what chance gives."""
    random = np.random.default_rng(SEED)
    names = list(random.permutation(templates.speakers)) if shuffled else templates.speakers
    labeled = Templates(templates.vectors, names)
    every = [linkability(*protected(templates, number), labeled) for number in range(DOMAIN_PAIRS)]
    return Linkability(np.concatenate([each.mated for each in every]), np.concatenate([each.others for each in every]))


def with_known_pairs(templates: Templates, count: int) -> Linkability:
    """Links the rest for an attacker who has decrypted templates of `count` recordings in both domains.

    The rotation between the domains is the orthogonal matrix that fits the known pairs best (Procrustes).
    """
    here, there = protected(templates, 0)
    known = np.random.default_rng(SEED).permutation(len(here))[:count]
    left, _, right = np.linalg.svd(here[known].T @ there[known])
    rest = np.setdiff1d(np.arange(len(here)), known)
    unknown = Templates(templates.vectors[rest], [templates.speakers[int(each)] for each in rest])
    return linkability(here[rest] @ (left @ right), there[rest], unknown)


def largest_change(templates: Templates) -> float:
    """Returns how much a cosine changes at most by being stored protected in one domain."""
    plain = templates.vectors.astype(np.float32)
    by = rotation(hashlib.sha256(b"stored").digest(), plain.shape[1])
    stored = restored(rotated(plain, by), by)
    return float(np.abs(stored @ plain.T - plain @ plain.T).max())


def report(templates: Templates) -> str:
    """Returns the table of one band."""
    mated, _ = templates.pairs
    plain = linkability(templates.vectors, templates.vectors, templates)
    crossed, chance = over_domains(templates), over_domains(templates, shuffled=True)
    rows = [("not protected", plain), ("two domains", crossed), ("two domains, names shuffled", chance)]
    rows += [
        (f"{count} pairs known", with_known_pairs(templates, count))
        for count in KNOWN
        if count < len(templates.speakers) // 2
    ]
    lines = [
        f"{len(templates.speakers)} recordings of {len(set(templates.speakers))} speakers, {mated.sum()} mated pairs, "
        f"{DOMAIN_PAIRS} pairs of domains",
        f"{'':28} D-sys   mated: mean, deviation   others: mean, deviation   links found at {FALSE_LINKS:.0%} false",
    ]
    lines += [
        f"{name:28} {each.d_sys:.3f}   {each.mated.mean():11.3f} {each.mated.std():11.3f}"
        f"   {each.others.mean():12.3f} {each.others.std():11.3f}   {each.found:8.1%}"
        for name, each in rows
    ]
    return "\n".join([*lines, f"largest change of a cosine by storing: {largest_change(templates):.1e}"])


def measure(manifest: Path, bundle: Path, line: LineKind) -> Mapping[Channel, Templates]:
    """Extracts the embeddings of all recordings, by band.

    Raises:
        ManifestError: the manifest cannot be used, or its recordings are of fewer than two speakers.
    """
    clips = read_manifest(manifest)
    found = extract([clip.path for clip in clips], bundle, [line])
    refusals(clips, [each.refused for each in found])
    made: dict[Channel, Templates] = {}
    for band in Channel:
        heard = [
            (each.evidence[line].embeddings[band], clip.speaker)
            for clip, each in zip(clips, found, strict=True)
            if each.evidence and not each.silent and band in each.evidence[line].embeddings
        ]
        if len({speaker for _, speaker in heard}) > 1:
            vectors = np.stack([vector for vector, _ in heard]).astype(np.float64)
            made[band] = Templates(vectors, [speaker for _, speaker in heard])
    if not made:
        raise ManifestError(f"{manifest}: the recordings are of fewer than two speakers")
    return made


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Measure whether protected templates of two domains can be linked.")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, speaker and more")
    parser.add_argument("--condition", choices=list(LineKind), default=LineKind.NATIVE)
    parser.add_argument("--bundle", type=Path, default=BUNDLE)
    given = parser.parse_args()
    try:
        for band, templates in measure(given.manifest, given.bundle, LineKind(given.condition)).items():
            print(f"{band}: {report(templates)}\n")
    except ManifestError as error:
        sys.exit(f"unlinkability: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
