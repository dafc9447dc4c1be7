"""Rules of enrollment: when a voiceprint is complete, and which recordings may become part of one."""

from enum import StrEnum

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.liveness import LivenessState
from bonafide.biometrics.presentation.voices import voice_alerts
from bonafide.biometrics.scoring import Condition, SpeakerScore
from bonafide.errors import Conflict, Subject, UnsupportedAudio

# A voiceprint outlives every recording that it is compared with, so its speech has to be better.
MINIMUM_SPEECH_SECONDS = 0.5
MAXIMUM_CLIPPED = 0.01
MINIMUM_LEVEL_DBFS = -50.0
MINIMUM_SNR_DB = 6.0
# Of the speech of a recording, so much has to be of one voice. Decision 0044.
MINIMUM_DOMINANT_SHARE = 0.85
ALONE = "send speech of the person alone: their own track of the call, without the agent's, prompts or music"
# LLR from which on a recording is of the voice that it is added to: decision 0025. Over two channels strangers score
# lower than over one, and speakers far lower. Measured by `training/evaluation/contributions.py`.
MINIMUM_LLR = {Condition.NARROWBAND: 0.5, Condition.WIDEBAND: 1.0, Condition.CROSS: -2.0}


class SpeakerStatus(StrEnum):
    """Stages of a speaker's life cycle."""

    PENDING = "PENDING"
    ENROLLED = "ENROLLED"
    OPTED_OUT = "OPTED_OUT"


def status_of(known: SpeakerStatus, speech_seconds: float, minimum_seconds: float) -> SpeakerStatus:
    """Returns a speaker's status under a minimum of net speech; an enrolled speaker stays enrolled when it rises."""
    enough = known is SpeakerStatus.PENDING and not missing_seconds(speech_seconds, minimum_seconds)
    return SpeakerStatus.ENROLLED if enough else known


def missing_seconds(speech_seconds: float, minimum_seconds: float) -> float:
    """Returns the net speech that is still needed, in seconds; 0.0 when there is enough."""
    return max(0.0, minimum_seconds - speech_seconds)


def require_enrollment_quality(evidence: Evidence) -> None:
    """Refuses a recording that would spoil a voiceprint.

    Raises:
        UnsupportedAudio: names what is wrong, the limit and what was measured.
    """
    quality = evidence.quality
    if evidence.speech_seconds < MINIMUM_SPEECH_SECONDS or not evidence.embeddings:
        raise _refusal("audio_no_speech", "holds too little speech", MINIMUM_SPEECH_SECONDS, evidence.speech_seconds)
    if quality.clipped > MAXIMUM_CLIPPED:
        raise _refusal("audio_clipped", "is clipped", MAXIMUM_CLIPPED, quality.clipped)
    if quality.level_dbfs < MINIMUM_LEVEL_DBFS:
        raise _refusal("audio_too_quiet", "is too quiet", MINIMUM_LEVEL_DBFS, quality.level_dbfs)
    if quality.snr_db is not None and quality.snr_db < MINIMUM_SNR_DB:
        raise _refusal("audio_too_noisy", "is too noisy", MINIMUM_SNR_DB, quality.snr_db)


def require_one_voice(evidence: Evidence) -> None:
    """Refuses a recording of speech in which more than one person speaks.

    Raises:
        UnsupportedAudio: says what to do.
    """
    share = evidence.quality.dominant_share
    if share is not None and share < MINIMUM_DOMINANT_SHARE:
        raise _refusal("several_voices", f"is of more than one voice; {ALONE}", MINIMUM_DOMINANT_SHARE, share)
    if voice_alerts([evidence], evidence.channel):
        raise UnsupportedAudio(
            "several_voices", f"More than one voice speaks in the recording; {ALONE}.", subject=Subject.AUDIO
        )


def require_bona_fide(state: LivenessState | None) -> None:
    """Refuses a recording that sounds synthetic: whose liveness hardly any human's falls below.

    Without a detector there is no state, and nothing is refused: nobody could enroll otherwise.

    Raises:
        UnsupportedAudio: says what to do, but not by how much it fails: whoever makes voices shall not learn from it.
    """
    if state is LivenessState.SPOOF:
        raise UnsupportedAudio(
            "audio_synthetic",
            "The speech sounds synthetic. Record the person anew, without suppression of noise or other processing.",
            subject=Subject.AUDIO,
        )


def require_spoken_once(*, repeats_itself: bool) -> None:
    """Refuses a recording in which a part is repeated to make up the length.

    Raises:
        UnsupportedAudio: says what to do.
    """
    if repeats_itself:
        raise UnsupportedAudio(
            "audio_repeats_itself",
            "A part of the recording is in it more than once, exactly, which nobody can do by speaking. Send it as it"
            " was spoken.",
            subject=Subject.AUDIO,
        )


def require_same_voice(score: SpeakerScore) -> None:
    """Refuses a recording that is not of the voice of the voiceprint so far.

    Raises:
        Conflict: says what to do, but not by how much it fails: whoever tries voices shall not learn from it.
    """
    if score.llr < MINIMUM_LLR[score.condition]:
        raise Conflict(
            "enrollment_mismatch",
            "The speech is not, or not clearly enough, of the person whose voiceprint this is. Send at least 5 seconds"
            " of that person's speech alone. If the voiceprint was begun with somebody else's, delete the speaker and"
            " begin again.",
            subject=Subject.AUDIO,
        )


def _refusal(code: str, finding: str, limit: float, found: float) -> UnsupportedAudio:
    return UnsupportedAudio(
        code, f"The recording {finding}.", subject=Subject.AUDIO, limit=limit, found=round(found, 3)
    )
