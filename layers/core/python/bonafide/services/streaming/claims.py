"""Claims of sessions: the speaker who is claimed, and the case that it makes with the session's evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bonafide.audio.fingerprint import Fingerprint
from bonafide.biometrics.case import Case, Signal
from bonafide.biometrics.decision import Reason
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.session import SessionEvidence
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records.domain import DomainRecord
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import SpeakerRecord
from bonafide.services.shared.braked_domains import BrakesInForce
from bonafide.services.shared.calibration_book import CalibrationInForce
from bonafide.services.shared.identifiers import session_decision
from bonafide.services.shared.ledger import AttemptLimit
from bonafide.services.shared.replays import ReplayFinding, ReplaySearch, SpokenAudio
from bonafide.services.shared.risk.calls import RiskFinding


@dataclass(frozen=True, slots=True)
class SpeakerClaim:
    """The claimed speaker, as far as there is one to compare with.

    Attributes:
        domain: whose policy decides.
        speaker: record of the claimed speaker, None when there is none.
        voiceprint: to compare with; None when `obstacle` says why not.
        embedding_space: that of the voiceprint; without one the space that most of the session has evidence in.
        obstacle: reason why there is nothing to compare with.
        brakes: those that are on.
        judging: the calibration that judges.
        limit: of attempts.
        risk: of the call.
    """

    domain: DomainRecord
    speaker: SpeakerRecord | None
    voiceprint: Voiceprint | None
    embedding_space: str
    obstacle: Reason | None
    brakes: BrakesInForce
    judging: CalibrationInForce
    limit: AttemptLimit
    risk: RiskFinding

    @property
    def missing(self) -> tuple[Signal, ...]:
        """Signals that are missing whatever the evidence has."""
        return *self.brakes.missing, *self.judging.missing, *self.limit.missing, *self.risk.missing


def search_replay(
    record: SessionRecord, claim: SpeakerClaim, heard: Fingerprint, search: ReplaySearch
) -> ReplayFinding:
    """Searches for an earlier use of the audio, if there is a voiceprint to compare with."""
    if claim.speaker is None or claim.voiceprint is None:
        return ReplayFinding()
    return search(claim.domain, claim.speaker, SpokenAudio(session_decision(record), "", heard, record.call_id))


def case_of(claim: SpeakerClaim, folded: SessionEvidence, replay: ReplayFinding) -> Case:
    """Makes the case of a session from all that was found."""
    other = (Signal.OTHER_MODELS,) if folded.other_space else ()
    missing = (*claim.missing, *replay.missing, *other)
    brakes, alerts = claim.brakes.on, (*replay.alerts, *folded.alerts, *claim.limit.alerts)
    if folded.evidence is None:
        case = Case.without_evidence(claim.obstacle or Reason.NOT_ENOUGH_SPEECH, missing, brakes, alerts)
    else:
        case = Case.of(folded.evidence, claim.voiceprint, claim.obstacle, missing, brakes, alerts)
    return replace(case, risk=claim.risk.risk)


def obstacle_of(
    record: SessionRecord, speaker: SpeakerRecord | None, policy: Policy, usable: Sequence[Voiceprint]
) -> Reason | None:
    """Returns the reason why a session cannot be compared with the claimed speaker, if there is one."""
    if record.speaker is None:
        return Reason.SPEAKER_NOT_CLAIMED
    if speaker and speaker.status is SpeakerStatus.OPTED_OUT:
        return Reason.SPEAKER_OPTED_OUT
    if speaker is None or speaker.voiceprint is None or speaker.status_under(policy) is not SpeakerStatus.ENROLLED:
        return Reason.SPEAKER_NOT_ENROLLED
    return None if usable else Reason.VOICEPRINT_OUTDATED
