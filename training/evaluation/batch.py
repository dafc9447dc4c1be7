"""Evidence of many recordings, compared with a voiceprint at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.scoring import Calibration, Condition, SpeakerScore, compare
from bonafide.biometrics.voiceprint import Voiceprint


@dataclass(frozen=True, slots=True)
class EvidenceBatch:
    """Evidence of many recordings, to be compared with a voiceprint at once; made by `of`.

    Attributes:
        speech_seconds: net speech of each, shape (n,).
        channel: the band of the speech of all.
        embeddings: per channel unit vectors, shape (n, dim).
        embedding_space: of all.
    """

    speech_seconds: NDArray[np.float64]
    channel: Channel
    embeddings: Mapping[Channel, NDArray[np.float32]]
    embedding_space: str

    @classmethod
    def of(cls, evidence: Sequence[Evidence]) -> Self:
        """Stacks evidence, at least one, of one `kind`."""
        channel, bands, space = kind(evidence[0])
        return cls(
            speech_seconds=np.array([each.speech_seconds for each in evidence]),
            channel=channel,
            embeddings={band: np.stack([each.embeddings[band] for each in evidence]) for band in bands},
            embedding_space=space,
        )


def kind(evidence: Evidence) -> tuple[Channel, frozenset[Channel], str]:
    """Returns all that decides how a recording is compared: its channel, bands and embedding space."""
    return evidence.channel, frozenset(evidence.embeddings), evidence.embedding_space


def score(voiceprint: Voiceprint, evidence: Evidence, calibration: Calibration) -> SpeakerScore:
    """Compares a recording with a voiceprint and calibrates the result.

    Args:
        voiceprint: with at least one template.
        evidence: with an embedding for a band that the voiceprint has.
        calibration: of the same embedding space.

    Raises:
        ValueError: they have no band, or not the embedding space, in common.
    """
    return calibration.score(compare(voiceprint, evidence))


def llrs(
    voiceprint: Voiceprint, batch: EvidenceBatch, calibration: Calibration
) -> tuple[Condition, NDArray[np.float64]]:
    """Scores each recording of a batch: returns the kind of comparison, and LLRs of shape (n,).

    Arguments and errors are those of `score`.
    """
    found = compare(voiceprint, batch)
    return found.condition, np.asarray(calibration.llr(found), np.float64)
