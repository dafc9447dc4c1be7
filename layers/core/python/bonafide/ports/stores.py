"""Stores of domains, speakers, brakes, attempts, calibrations, sessions and decisions."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from bonafide.biometrics.presentation.attempts import Failure
from bonafide.biometrics.session import Mark
from bonafide.records.brake import BrakeRecord
from bonafide.records.calibration import CalibrationsRecord
from bonafide.records.decision import DecisionRecord
from bonafide.records.decision_page import DecisionFilter, DecisionPage, DecisionPosition
from bonafide.records.domain import DomainRecord
from bonafide.records.history.attempt_reset import AttemptReset
from bonafide.records.outcomes.statement import OutcomeStatement
from bonafide.records.policies.staged import StagedPolicy, Staging
from bonafide.records.session import EvidenceRow, SessionRecord
from bonafide.records.settings.versions import DomainVersion
from bonafide.records.speaker import SpeakerPage, SpeakerRecord


class VersionConflict(Exception):
    """Raised when another writer was faster; read again and decide again on the new state."""


class DomainChanged(Exception):
    """Raised when the domain was deleted, or is being deleted, since it was read."""


class DomainStore(Protocol):
    """Domains and speakers. Reads see every write that was acknowledged before them."""

    def domain(self, domain: str) -> DomainRecord | None:
        """Reads a domain."""

    def put_domain(
        self, record: DomainRecord, history: Sequence[DomainVersion] = (), staging: Staging | None = None
    ) -> None:
        """Writes version n over version n - 1 of the same record, or version 1 over nothing.

        The versions of `history` are written with it, and a change of the policy that is staged: all or nothing.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
        """

    def delete_domain(self, record: DomainRecord) -> None:
        """Deletes this version of the domain's own record.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
        """

    def domain_versions(self, record: DomainRecord, before: int | None, limit: int) -> Sequence[DomainVersion]:
        """Reads at most `limit` versions of a domain below `before`, or of all; the newest first."""

    def forget_versions(self, domain: str) -> int:
        """Deletes the versions of every domain that has, or had, this name; returns how many."""

    def shred_keys(self, domain: DomainRecord) -> None:
        """Deletes the key of a closed domain, without which no voiceprint and no evidence of it can be read.

        Nothing happens if the domain is not stored as it was read: the key may be that of another one of its name.
        """

    def domain_names(self) -> Iterator[str]:
        """Yields the names of domains, in any order; those last written by an earlier release are left out."""

    def find(self, domain: str, speaker: str) -> tuple[DomainRecord | None, SpeakerRecord | None]:
        """Reads a domain and one of its speakers in one round trip."""

    def find_with_brake(
        self, domain: str, speaker: str, counters: Sequence[str] = ()
    ) -> tuple[DomainRecord | None, SpeakerRecord | None, BrakeRecord]:
        """Reads a domain with its calibrations and staged policy, a speaker, and the domain's brake in one round trip.

        Counters of failed attempts are read with the domain, and the last use of the voiceprint with the speaker. Its
        `attempts` are None where only they cannot be read.
        """

    def put_speaker(self, domain: DomainRecord, record: SpeakerRecord) -> None:
        """Writes version n over version n - 1 of the same record, or version 1 over nothing.

        Version 1 is written only while the domain is open. A closed domain still takes later versions of the speakers
        that it has; a deletion deletes them with the rest, and nothing is written after it.

        Args:
            domain: as it was read before the write; a domain that was made anew under its name is another one.
            record: of the speaker.

        Raises:
            VersionConflict: another version, or another record of that name, is stored.
            DomainChanged: version 1, and the domain is closed, deleted, or another one of that name.
        """

    def delete_speaker(self, record: SpeakerRecord) -> None:
        """Deletes this version of a speaker.

        Raises:
            VersionConflict: another version, or another record of that name, or none is stored.
        """

    def list_speakers(self, domain: str, after: str | None, limit: int) -> SpeakerPage:
        """Reads at most `limit` speakers whose identifiers come after `after`.

        Changes appear within about a second. A page may hold fewer, even none, and still have a next one.
        """

    def stored_speakers(self, domain: str, limit: int) -> Sequence[SpeakerRecord]:
        """Reads the first `limit` records of a domain as they are stored, for its deletion.

        One of version 0 stands for a first version that is about to be written; if it is deleted, that write fails.
        """


class BrakeStore(Protocol):
    """Brakes of domains, by name, and of the stage, by None. Reads see every write that was acknowledged before."""

    def brake(self, domain: str | None) -> BrakeRecord:
        """Reads a brake."""

    def put_brake(self, record: BrakeRecord) -> None:
        """Writes version n over version n - 1, and the change for good, both or neither.

        Raises:
            VersionConflict: another version is stored.
        """

    def brake_changes(self, domain: str | None, limit: int) -> Sequence[BrakeRecord]:
        """Reads at most `limit` changes of a brake, the newest first."""


class AttemptStore(Protocol):
    """Counters of failed attempts in domains, by name. A counter that was never written is empty."""

    def count(self, domain: str, counters: Sequence[str], failure: Failure, expires_at: datetime) -> None:
        """Adds a failure to counters; one that they hold already is not added again."""

    def remove(self, domain: str, counters: Sequence[str], failures: Collection[Failure]) -> None:
        """Removes failures from counters, those that they hold."""

    def reset(self, record: AttemptReset, expires_at: datetime) -> None:
        """Lets a counter begin anew, and keeps the reset, both or neither."""

    def resets(self, domain: str, counter: str, limit: int) -> Sequence[AttemptReset]:
        """Reads at most `limit` resets of a counter, the newest first."""

    def use(self, domain: str, speaker: str, at: datetime) -> None:
        """Notes when the voiceprint of a speaker was last used."""

    def forget(self, domain: str, counter: str | None) -> int:
        """Deletes a counter and its resets, or all of a domain without a name; returns how many records."""


class CalibrationStore(Protocol):
    """Calibrations of domains, by name. Reads see every write that was acknowledged before."""

    def calibrations(self, domain: str) -> CalibrationsRecord:
        """Reads those that are in use."""

    def put_calibrations(self, record: CalibrationsRecord) -> None:
        """Writes version n over version n - 1, and the change for good, both or neither.

        Raises:
            VersionConflict: another version is stored.
        """

    def calibration_changes(self, domain: str, before: int | None, limit: int) -> Sequence[CalibrationsRecord]:
        """Reads at most `limit` changes of versions below `before`, or of all; the newest first."""


class StagingStore(Protocol):
    """Staged policies of domains, by name. Reads see every write that was acknowledged before them."""

    def staging(self, domain: str) -> Staging:
        """Reads the one that is staged."""

    def staged_before(self, domain: DomainRecord, staged_version: int) -> StagedPolicy | None:
        """Reads one that is or was staged in a domain, not in another one of its name; None if there is none."""

    def put_staging(self, staging: Staging) -> None:
        """Writes version n over version n - 1, and the change for good, both or neither.

        Raises:
            VersionConflict: another version is stored.
        """


class SessionStore(Protocol):
    """Sessions and their evidence. Reads see every write that was acknowledged before them."""

    def session(self, domain: str, session: str) -> SessionRecord | None:
        """Reads a session."""

    def start_session(self, record: SessionRecord) -> None:
        """Writes version 1 of a session, with a key for its evidence.

        Raises:
            VersionConflict: the session was started before.
        """

    def put_session(self, record: SessionRecord) -> None:
        """Writes version n over version n - 1.

        Raises:
            VersionConflict: the stored version is another one.
        """

    def delete_session(self, record: SessionRecord) -> None:
        """Deletes this version of a session; its evidence can no longer be found then, and expires.

        Raises:
            VersionConflict: the stored version is another one.
        """

    def of_speaker(self, domain: str, speaker: str, limit: int) -> Sequence[SessionRecord]:
        """Reads at most `limit` sessions that claim a speaker; new ones appear within about a second."""

    def due(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Yields domain and name of sessions without a final decision whose `due_at` has passed, oldest first."""

    def put_evidence(self, session: SessionRecord, *rows: EvidenceRow) -> bool:
        """Writes rows of one chunk once each, and then their marks together; tells whether any row was new.

        A session that was started anew under the name of an older one has nothing in common with it.
        """

    def note_accepted(self, session: SessionRecord, number: int, content: str) -> None:
        """Notes that a chunk was accepted, by number and the SHA-256 of its audio, hex; again it changes nothing."""

    def accepted(self, session: SessionRecord) -> Collection[tuple[int, str]]:
        """Reads number and `content_tag` of every chunk that was noted."""

    def has_evidence(self, session: SessionRecord, number: int, content: str, embedding_space: str) -> bool:
        """Tells whether a chunk was scored in an embedding space already."""

    def marks(self, session: SessionRecord) -> Sequence[Mark]:
        """Reads the mark of every row of a session, which is a sixtieth of the rows' size."""

    def evidence(self, session: SessionRecord, marks: Collection[Mark]) -> Sequence[EvidenceRow]:
        """Reads the rows of these marks."""


class DecisionStore(Protocol):
    """Decisions, written once and never changed, and beside each the statements on its outcome, which it outlives."""

    def append(self, record: DecisionRecord, expires_at: datetime) -> DecisionRecord:
        """Stores a decision under its `decision_id`; returns the stored one, which may be an earlier one."""

    def read(self, domain: str, decision_id: str) -> DecisionRecord | None:
        """Reads a decision; None when there is none, or its retention is over."""

    def list(self, domain: str, selection: DecisionFilter, after: DecisionPosition | None, limit: int) -> DecisionPage:
        """Reads at most `limit` selected decisions that follow `after`, the newest first.

        A page may hold fewer, even none, and still have a next one: the search for rare decisions is cut into pages.
        New decisions appear within about a second; those that the first release stored do not appear.
        """

    def add_outcome(self, record: DecisionRecord, statement: OutcomeStatement, most: int) -> None:
        """Adds a statement on the outcome of a decision; the same one again changes nothing.

        Raises:
            VersionConflict: the decision is gone, or was unlinked since it was read, or has `most` statements.
        """

    def labeled(
        self, domain: str, begin: datetime, end: datetime, after: DecisionPosition | None, limit: int
    ) -> DecisionPage:
        """Reads at most `limit` decisions that have statements, were made from `begin` on and before `end`, and follow.

        The newest come first; new statements appear within about a second.
        """
