"""Export of what is held on a speaker."""

from datetime import date

from pydantic import AwareDatetime, Field

from bonafide.biometrics.risk.facts import CallReference
from bonafide.contracts.attempts import AttemptResetEntry, reset_entry
from bonafide.contracts.base import Answer
from bonafide.contracts.decisions import LedgerEntry, ledger_entry
from bonafide.contracts.sessions import Session, session_view
from bonafide.contracts.speakers import ContributionEntry, Speaker, contribution_list, speaker_view
from bonafide.services.export import HeldData

STATEMENT = (
    "A voiceprint is a sum of numbers that a network made of speech. It identifies the voice, cannot be played, and is"
    " not exported. Embeddings of sessions are numbers of the same kind, and are deleted a day after the session."
)


class HeldVoiceprint(Answer):
    """One voiceprint, without its numbers."""

    embedding_space: str = Field(description="Network that made it.")
    speech_seconds: float


class HeldFingerprint(Answer):
    """One fingerprint of a recording, by which a copy of it is found: the pitches of speech over time, no voice."""

    kind: str = Field(description="`enrollment` of a contribution to the voiceprint, `call` of a call.")
    at: AwareDatetime = Field(description="Time of the recording's use.")
    expires_at: AwareDatetime | None = Field(description="Null: with the voiceprint.")


class KnownCall(Answer):
    """A number, device, channel, carrier or country that accepted calls of the speaker came from."""

    kind: CallReference
    last_day: date = Field(description="Of the last such call, UTC.")


class SpeakerExport(Answer):
    """Everything that is held on a speaker, but numbers that stand for the voice and the audio itself."""

    speaker: Speaker
    voiceprints: list[HeldVoiceprint]
    contributions: list[ContributionEntry] = Field(description="Recordings that the voiceprints were made of.")
    biometric_data: str = Field(description="What is held and not shown here, for the person.")
    recordings: list[str] = Field(description="Names of recordings that the domain keeps, a thousand at most.")
    sessions: list[Session] = Field(description="Sessions of the last day that claim the speaker, a hundred at most.")
    decisions: list[LedgerEntry] = Field(description="The newest, a hundred at most.")
    more_decisions: bool = Field(description="Whether there are older ones: list decisions with `speaker`.")
    fingerprints: list[HeldFingerprint] = Field(
        description="Contributions first, then the newest calls, a thousand at most, or as many as have a megabyte."
    )
    last_used_at: AwareDatetime = Field(description="Last match that was noted, once a day, or last enrollment.")
    failed_attempts: list[AwareDatetime] = Field(description="Times of failed attempts that are still counted.")
    attempt_resets: list[AttemptResetEntry]
    answers: int = Field(description="Answers about the speaker that are kept by their Idempotency-Key, for a day.")
    known_calls: list[KnownCall] = Field(
        [], description="Whence the speaker called; stored as keyed hashes, which are not shown."
    )


def export_view(held: HeldData) -> SpeakerExport:
    """Returns the view of an export."""
    voiceprints = held.speaker.voiceprints
    return SpeakerExport(
        speaker=speaker_view(held.domain, held.speaker.summary),
        voiceprints=[
            HeldVoiceprint(embedding_space=each.embedding_space, speech_seconds=round(each.speech_seconds, 2))
            for each in voiceprints
        ],
        contributions=contribution_list(held.speaker).contributions,
        biometric_data=STATEMENT,
        recordings=list(held.recordings),
        sessions=[session_view(each) for each in held.sessions],
        decisions=[ledger_entry(each) for each in held.decisions],
        more_decisions=held.more_decisions,
        fingerprints=[
            HeldFingerprint(kind=each.kind, at=each.at, expires_at=each.expires_at) for each in held.fingerprints
        ],
        last_used_at=held.speaker.last_used_at,
        failed_attempts=[each.at for each in held.failures],
        attempt_resets=[reset_entry(each) for each in held.resets],
        answers=held.answers,
        known_calls=[KnownCall(kind=each.kind, last_day=each.last) for each in held.known_calls],
    )
