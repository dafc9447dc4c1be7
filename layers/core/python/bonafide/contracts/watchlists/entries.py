"""Entries of watchlists in requests and answers; nothing biometric is ever answered."""

from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from bonafide.biometrics.evidence import Channel
from bonafide.contracts.audio import AudioInput
from bonafide.contracts.base import Answer, Identifier, RangeLimit, Request
from bonafide.contracts.brakes import BrakeReason
from bonafide.contracts.cursors import to_cursor
from bonafide.records.watchlists.double import DoubleEnrollmentReport
from bonafide.records.watchlists.entry import EntryPage, WatchlistEntry, WatchlistState
from bonafide.services.watchlists.registration import Registered, RegistrationRequested, content_digest


class FraudsterRequest(Request):
    """Registers the voice of a known fraudster: from a recording, or from a session of the domain."""

    audio: AudioInput | None = Field(None, description="Speech of the fraudster alone, 1 second of it or more.")
    session: Identifier | None = Field(None, description="A session of this domain in which the fraudster spoke.")
    legal_basis: Identifier = Field(
        description="Your reference to the assessment by which the law lets you keep this voice without consent."
    )
    reason: BrakeReason = Field(
        description="Why, for people and the audit trail. Holds references, never personal data."
    )
    expires_at: RangeLimit = Field(description="From then on the voice is not searched; at most 1,095 days from now.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.audio is None) == (self.session is None):
            raise ValueError("exactly one of audio and session is needed")
        return self

    def to_record(self, domain: str, watchlist: str, fraudster: str, principal: str | None) -> RegistrationRequested:
        """Returns the request as services take it."""
        audio = self.audio.to_record() if self.audio else None
        stated = self.model_dump_json(exclude={"audio"})
        return RegistrationRequested(
            domain=domain,
            watchlist=watchlist,
            fraudster=fraudster,
            audio=audio,
            session=self.session,
            legal_basis=self.legal_basis,
            reason=self.reason,
            expires_at=self.expires_at,
            content=content_digest(stated, audio),
            principal=principal,
        )


class Fraudster(Answer):
    """An entry of a watchlist, without anything biometric."""

    domain: str
    watchlist: str
    fraudster: str
    legal_basis: str
    reason: str
    author: str | None = Field(description="Verified identity of who registered; null where requests are not signed.")
    speech_seconds: float = Field(description="Net speech behind the voice.")
    channels: list[Channel] = Field(description="Channels that the voice was recorded on.")
    session_id: str | None = Field(description="The session that the voice is from; null for a recording.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    expires_at: AwareDatetime


class FraudsterName(Answer):
    """Name of an entry."""

    watchlist: str
    fraudster: str


class FraudsterRegistration(Fraudster):
    """An entry as it was registered."""

    same_voice: list[FraudsterName] = Field(
        description="Up to 10 other entries whose voice cannot be told from this one, the likest first. The entry is "
        "registered all the same: one person may be on several lists. Empty when the same request comes again."
    )


class FraudsterList(Answer):
    """One page of a watchlist, in order of the names."""

    fraudsters: list[Fraudster]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last one.")


class Watchlist(Answer):
    """A watchlist that has entries."""

    watchlist: str
    fraudsters: int = Field(description="Number of entries, with those that expired within the last day.")


class WatchlistList(Answer):
    """Watchlists of a domain."""

    watchlists: list[Watchlist]


class DoubleEnrollment(Answer):
    """Two speakers who were enrolled with one voice, as far as can be told."""

    speakers: list[str]
    expected: float = Field(
        description="Pairs of different people, among all of the domain, that are expected to be so much alike."
    )


class DoubleEnrollmentList(Answer):
    """Result of the last search for voices that are enrolled under two names."""

    double_enrollments: list[DoubleEnrollment] = Field(description="Up to 100 pairs, the surest first.")
    compared_speakers: int
    complete: bool = Field(description="Whether all enrolled speakers were compared.")
    searched_at: AwareDatetime | None = Field(description="Null where no search has ended yet.")


def fraudster_view(entry: WatchlistEntry) -> Fraudster:
    """Returns the view of an entry."""
    return Fraudster(**_shown(entry))


def registration_view(result: Registered) -> FraudsterRegistration:
    """Returns the view of a registration."""
    names = [FraudsterName(watchlist=watchlist, fraudster=fraudster) for watchlist, fraudster in result.alike]
    return FraudsterRegistration(**_shown(result.entry), same_voice=names)


def fraudster_list(page: EntryPage) -> FraudsterList:
    """Returns the view of one page of a list."""
    cursor = to_cursor(page.after) if page.after else None
    return FraudsterList(fraudsters=[fraudster_view(each) for each in page.entries], next_cursor=cursor)


def watchlist_list(state: WatchlistState) -> WatchlistList:
    """Returns the view of all lists."""
    return WatchlistList(
        watchlists=[Watchlist(watchlist=name, fraudsters=count) for name, count in sorted(state.lists.items())]
    )


def double_enrollment_list(report: DoubleEnrollmentReport | None) -> DoubleEnrollmentList:
    """Returns the view of a report."""
    if report is None:
        return DoubleEnrollmentList(double_enrollments=[], compared_speakers=0, complete=False, searched_at=None)
    return DoubleEnrollmentList(
        double_enrollments=[
            DoubleEnrollment(speakers=list(each.speakers), expected=each.expected) for each in report.pairs
        ],
        compared_speakers=report.compared,
        complete=report.complete,
        searched_at=report.at,
    )


def _shown(entry: WatchlistEntry) -> dict[str, object]:
    return {
        "domain": entry.domain,
        "watchlist": entry.watchlist,
        "fraudster": entry.fraudster,
        "legal_basis": entry.legal_basis,
        "reason": entry.reason,
        "author": entry.author,
        "speech_seconds": round(entry.speech_seconds, 2),
        "channels": list(entry.channels),
        "session_id": entry.session,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
        "expires_at": entry.expires_at,
    }
