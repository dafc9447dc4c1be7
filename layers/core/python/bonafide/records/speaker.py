"""Speakers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from bonafide.biometrics.enrollment import SpeakerStatus, missing_seconds, status_of
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.policy import Policy
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.records import DataKey, Stored, StoredForm, times
from bonafide.records.domain import DomainRecord
from bonafide.records.history.contribution import ContributionRecord

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Consent:
    """Receipt of a speaker's consent to be enrolled.

    Attributes:
        receipt_id: your reference to it.
        given_at: when it was given.
        purpose: that it was given for, if stated.
        notice: version of the notice that the person was shown, if stated.
        expires_at: from then on the voiceprint is not used; None for consent until it is withdrawn.
    """

    receipt_id: str
    given_at: datetime
    purpose: str | None = None
    notice: str | None = None
    expires_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Tells whether the consent has expired."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class SpeakerSummary:
    """A speaker without the voiceprint itself, as lists show it.

    Attributes:
        status: under the policy of the last write.
        speech_seconds: net speech in the voiceprint.
        channels: the bands that the person was recorded in.
        spaces: net speech of the voiceprint in each embedding space; empty if a release wrote it that knew only one.
    """

    domain: str
    speaker: str
    status: SpeakerStatus
    created_at: datetime
    updated_at: datetime
    speech_seconds: float
    channels: Sequence[Channel]
    consent: Consent | None
    opted_out_at: datetime | None
    spaces: Mapping[str, float] = field(default_factory=dict)

    def status_under(self, policy: Policy) -> SpeakerStatus:
        """Returns the status under today's policy."""
        return status_of(self.status, self.speech_seconds, policy.minimum_enrolment_seconds)

    def missing_under(self, policy: Policy) -> float:
        """Returns the net speech that is still needed, in seconds; 0.0 for an enrolled speaker."""
        enrolled = self.status_under(policy) is SpeakerStatus.ENROLLED
        return 0.0 if enrolled else missing_seconds(self.speech_seconds, policy.minimum_enrolment_seconds)

    def to_document(self) -> StoredForm:
        """Returns the stored form without what the record's own attributes hold: names, status, `created_at`."""
        return {
            "updated_at": self.updated_at.isoformat(),
            "speech_seconds": self.speech_seconds,
            "channels": [str(channel) for channel in self.channels],
            "consent": _written_consent(self.consent),
            "opted_out_at": times.written(self.opted_out_at),
            "spaces": dict(self.spaces),
        }

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form together with names, status and `created_at`."""
        return cls(
            domain=document["domain"],
            speaker=document["speaker"],
            status=SpeakerStatus(document["status"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            updated_at=datetime.fromisoformat(document["updated_at"]),
            speech_seconds=document["speech_seconds"],
            channels=tuple(Channel(each) for each in document["channels"]),
            consent=_read_consent(document["consent"]),
            opted_out_at=times.read(document["opted_out_at"]),
            spaces=document.get("spaces", {}),
        )


@dataclass(frozen=True, slots=True)
class SpeakerRecord:
    """One person of a domain, with the voiceprints: one for each embedding space.

    Attributes:
        created_at: also tells a record from a deleted one of the same name, whose versions began at 1 too.
        voiceprint: in the oldest space, the only one that the release before reads; None before the first enrollment
            and after an opt-out.
        newer: voiceprints of the same person in newer spaces, the newest last; empty without `voiceprint`.
        history: of contributions, the oldest first; without those that an earlier release added.
        taken_back_at: when a contribution was last taken back.
        consent: the newest receipt; kept after an opt-out as evidence of consent.
        opted_out_at: time of the last opt-out; consent given before it is void as long as the record exists.
        applied: identifiers of the newest contributions to the voiceprint, so that a repeated one adds no speech.
        version: optimistic version, 0 when never written.
        key: of the voiceprints, for the store alone; None where they were never encrypted.
    """

    domain: str
    speaker: str
    status: SpeakerStatus
    created_at: datetime
    updated_at: datetime
    voiceprint: Voiceprint | None = None
    consent: Consent | None = None
    opted_out_at: datetime | None = None
    applied: tuple[str, ...] = ()
    version: int = 0
    newer: tuple[Voiceprint, ...] = ()
    history: tuple[ContributionRecord, ...] = ()
    taken_back_at: datetime | None = None
    key: DataKey | None = field(default=None, compare=False, repr=False)

    @property
    def voiceprints(self) -> tuple[Voiceprint, ...]:
        """All voiceprints, the oldest space first."""
        return (self.voiceprint, *self.newer) if self.voiceprint else ()

    @property
    def speech_seconds(self) -> float:
        """Net speech in the voiceprint that has most of it."""
        return max((each.speech_seconds for each in self.voiceprints), default=0.0)

    def usable(self, spaces: Sequence[str], policy: Policy) -> list[Voiceprint]:
        """Returns the voiceprints that a caller can be compared with, in the order of `spaces`.

        One is complete with the speech that the policy requires, or with as much as any other of the speaker: a
        speaker who was enrolled under a former policy stays enrolled.
        """
        enough = min(policy.minimum_enrolment_seconds, self.speech_seconds)
        complete = {each.embedding_space: each for each in self.voiceprints if each.speech_seconds >= enough}
        return [complete[space] for space in spaces if space in complete]

    def reference(self, spaces: Sequence[str], policy: Policy) -> Voiceprint | None:
        """Returns the voiceprint that further recordings have to match: what a caller is compared with, if any.

        Otherwise that of the served space with most speech; None if nothing can be compared.
        """
        begun = [each for each in self.voiceprints if each.embedding_space in spaces]
        most = sorted(begun, key=lambda each: each.speech_seconds, reverse=True)
        return next(iter([*self.usable(spaces, policy), *most]), None)

    def with_voiceprints(self, at: datetime, voiceprints: Sequence[Voiceprint], **changes: Any) -> Self:
        """Returns the following version of this record with these voiceprints, the oldest space first."""
        first, *newer = voiceprints or (None,)
        return self.next(at, voiceprint=first, newer=tuple(newer), **changes)

    @property
    def summary(self) -> SpeakerSummary:
        """Returns the record without the voiceprint."""
        return SpeakerSummary(
            domain=self.domain,
            speaker=self.speaker,
            status=self.status,
            created_at=self.created_at,
            updated_at=self.updated_at,
            speech_seconds=self.speech_seconds,
            channels=tuple(self.voiceprint.channels) if self.voiceprint else (),
            consent=self.consent,
            opted_out_at=self.opted_out_at,
            spaces={each.embedding_space: each.speech_seconds for each in self.voiceprints},
        )

    def status_under(self, policy: Policy) -> SpeakerStatus:
        """Returns the status under today's policy."""
        return self.summary.status_under(policy)

    def next(self, at: datetime, **changes: Any) -> Self:
        """Returns the following version of this record."""
        return replace(self, updated_at=at, version=self.version + 1, **changes)

    def to_document(self) -> StoredForm:
        """Returns the stored form without the voiceprints, which are stored as `Voiceprint.to_bytes` writes them."""
        return {
            "schema": SCHEMA,
            "domain": self.domain,
            "speaker": self.speaker,
            "status": str(self.status),
            "consent": _written_consent(self.consent),
            "opted_out_at": times.written(self.opted_out_at),
            "applied": list(self.applied),
            "history": [each.to_document() for each in self.history],
            "taken_back_at": times.written(self.taken_back_at),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "version": self.version,
        }

    @classmethod
    def from_document(cls, document: Stored, voiceprint: bytes | None, newer: Sequence[bytes] = ()) -> Self:
        """Reads a stored form and the stored voiceprints."""
        return cls(
            domain=document["domain"],
            speaker=document["speaker"],
            status=SpeakerStatus(document["status"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            updated_at=datetime.fromisoformat(document["updated_at"]),
            voiceprint=Voiceprint.from_bytes(voiceprint) if voiceprint else None,
            consent=_read_consent(document["consent"]),
            opted_out_at=times.read(document["opted_out_at"]),
            applied=tuple(document["applied"]),
            version=document["version"],
            newer=tuple(Voiceprint.from_bytes(each) for each in newer),
            history=tuple(ContributionRecord.from_document(each) for each in document.get("history", ())),
            taken_back_at=times.read(document.get("taken_back_at")),
        )


def opted_out(record: SpeakerRecord, now: datetime) -> SpeakerRecord:
    """Returns the record without the voice.

    Opting out again voids consent that was given in between, even if no enrollment has used it yet.
    """
    at = max(now, record.opted_out_at or now)
    left = record.with_voiceprints(now, [], applied=(), history=(), taken_back_at=None)
    return replace(left, status=SpeakerStatus.OPTED_OUT, opted_out_at=at)


@dataclass(frozen=True, slots=True)
class SpeakerPage:
    """Speakers in order of their identifiers; `after` is where the next page begins, None on the last one."""

    speakers: Sequence[SpeakerSummary]
    after: str | None


def lifetime(domain: DomainRecord, speaker: SpeakerRecord | None = None) -> str:
    """Names a domain, or one of its speakers, apart from what had the same names before.

    The name changes with every deletion of the domain or the speaker, with an opt-out, and with the enrollment after
    one.
    """
    parts = [domain.created_at.isoformat()]
    if speaker:
        opted_out = speaker.status is SpeakerStatus.OPTED_OUT
        parts += [speaker.created_at.isoformat(), "opted-out" if opted_out else str(speaker.opted_out_at)]
    return "/".join(parts)


def generation(domain: DomainRecord, speaker: SpeakerRecord | None = None) -> str:
    """Names what an answer is about: a lifetime, since a contribution was last taken back.

    It stays as long as a voiceprint only grows.
    """
    taken_back_at = speaker.taken_back_at if speaker else None
    return "/".join([lifetime(domain, speaker), *([taken_back_at.isoformat()] if taken_back_at else [])])


def _written_consent(consent: Consent | None) -> StoredForm | None:
    if consent is None:
        return None
    return {
        "receipt_id": consent.receipt_id,
        "given_at": consent.given_at.isoformat(),
        "purpose": consent.purpose,
        "notice": consent.notice,
        "expires_at": times.written(consent.expires_at),
    }


def _read_consent(document: Stored | None) -> Consent | None:
    if document is None:
        return None
    return Consent(
        document["receipt_id"],
        datetime.fromisoformat(document["given_at"]),
        document.get("purpose"),
        document.get("notice"),
        times.read(document.get("expires_at")),
    )
