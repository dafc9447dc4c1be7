"""Comparison of the challenger's judgement with the decision that the champion made on the same audio."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from bonafide.audio.encoding import RecordingFormat
from bonafide.biometrics.case import Case
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.evidence import Channel, Evidence
from bonafide.biometrics.judgement import judge
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.scoring import SpaceCalibrations, bands_to_compare
from bonafide.biometrics.session import MOST_CHUNKS, ChunkEvidence, fold
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.ports.models import SpeechModels
from bonafide.records.decision import DecisionRecord
from bonafide.records.shadow import ShadowResult, ShadowScores
from bonafide.services.shared.recordings import to_waveform
from bonafide.services.shared.shadow.offers import unpacked

EMBEDDING_STAGES = ("find_speech", "embed")


@dataclass(frozen=True, slots=True)
class HeardPart:
    """A recording, or one chunk of a session.

    Attributes:
        number: of the chunk; None of a recording.
        form: format of the audio.
        audio: as it was sent.
    """

    number: int | None
    form: RecordingFormat
    audio: bytes

    @classmethod
    def of(cls, number: int | None, content: bytes) -> Self:
        """Reads audio with its format, as it waited."""
        return cls(number, *unpacked(content))


def is_whole(record: DecisionRecord, heard: Sequence[HeardPart]) -> bool:
    """Tells whether nothing is missing of what a decision rests on, apart from what is too old to count."""
    if record.session is None:
        return bool(heard)
    tally = record.session.chunks
    numbers = {each.number for each in heard if each.number is not None}
    inside = {each for each in numbers if tally.expected is None or each < tally.expected}
    return len(inside) >= min(tally.scored, MOST_CHUNKS) and bool(inside)


def compared(
    record: DecisionRecord,
    policy: Policy,
    voiceprint: Voiceprint | None,
    heard: Sequence[HeardPart],
    models: SpeechModels[Any],
) -> ShadowResult:
    """Returns the challenger's judgement beside the stored one.

    A voice is compared only in a space that both serve, liveness always. Policy and brakes are those of the decision.

    Args:
        record: the champion's decision.
        policy: that it was made by.
        voiceprint: of the claimed speaker, in a space of the challenger; None without one.
        heard: all audio of the decision.
        models: of the challenger.
    """
    started = time.monotonic()
    space = voiceprint.embedding_space if voiceprint else models.embedding_space
    evidence = _evidence(record, heard, models, space, bands_to_compare(voiceprint) if voiceprint else [])
    milliseconds = round((time.monotonic() - started) * 1000, 1)
    decision, llr = _judged(record, policy, evidence, voiceprint, models) if voiceprint else (None, None)
    liveness = evidence.liveness if evidence else None
    return _result(record, ShadowScores(models.digest, decision, llr, liveness, milliseconds), len(heard))


def _evidence(
    record: DecisionRecord,
    heard: Sequence[HeardPart],
    models: SpeechModels[Any],
    space: str,
    bands: Sequence[Channel],
) -> Evidence | None:
    """Extracts evidence, of a session as sessions pool it; None where no chunk has speech."""
    found = [
        models.evidence(models.find_speech(to_waveform(each.audio, each.form)), bands, embedding_space=space)
        for each in heard
    ]
    if record.session is None:
        return found[0]
    chunks = [
        ChunkEvidence(each.number or 0, hashlib.sha256(each.audio).hexdigest(), evidence)
        for each, evidence in zip(heard, found, strict=True)
    ]
    return fold(chunks, space, record.session.chunks.expected).evidence


def _judged(
    record: DecisionRecord,
    policy: Policy,
    evidence: Evidence | None,
    voiceprint: Voiceprint,
    models: SpeechModels[Any],
) -> tuple[str, float | None]:
    """Returns the decision and the speaker LLR."""
    brakes = record.case.brakes
    if evidence is None:
        case = Case.without_evidence(Reason.NOT_ENOUGH_SPEECH, brakes=brakes)
    else:
        case = Case.of(evidence, voiceprint, brakes=brakes, alerts=record.case.alerts)
        case = replace(case, risk=record.case.risk)
    judgement = judge(case, policy, SpaceCalibrations.parse(models.calibrations).in_space(voiceprint.embedding_space))
    return str(judgement.decision), judgement.speaker.llr if judgement.speaker else None


def _result(record: DecisionRecord, challenger: ShadowScores, chunks: int) -> ShadowResult:
    judgement = record.judgement
    timed = [record.timings_ms[name] for name in EMBEDDING_STAGES if name in record.timings_ms]
    return ShadowResult(
        domain=record.domain,
        decision_id=record.decision_id or "",
        decided_at=record.decided_at,
        channel=str(record.case.channel or ""),
        speech_seconds=record.case.speech_seconds,
        champion=ShadowScores(
            bundle=record.bundle,
            decision=str(judgement.decision),
            speaker_llr=judgement.speaker.llr if judgement.speaker else None,
            liveness_llr=record.case.liveness,
            milliseconds=sum(timed) if timed else None,
        ),
        challenger=challenger,
        chunks=chunks if record.session else None,
    )
