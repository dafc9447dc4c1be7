"""Labels of outcomes."""

from enum import StrEnum


class OutcomeLabel(StrEnum):
    """Truth about a call; UNKNOWN also takes back what was stated before."""

    GENUINE = "genuine"
    FRAUD = "fraud"
    UNKNOWN = "unknown"


class AttackKind(StrEnum):
    """Kinds of fraud: another human's own voice, a synthetic or converted one, a recording, or anything else."""

    IMPOSTOR = "impostor"
    SYNTHETIC = "synthetic"
    REPLAYED = "replayed"
    OTHER = "other"


# Attacks on the capture of the voice (ISO/IEC 30107-1), which liveness is to find.
PRESENTATION_ATTACKS = frozenset({AttackKind.SYNTHETIC, AttackKind.REPLAYED})
