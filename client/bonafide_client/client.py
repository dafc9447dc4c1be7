"""The calls of the REST contract."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from bonafide_client import answers, bodies, paths
from bonafide_client.calls.administration import AdministrationCalls
from bonafide_client.calls.outcomes import OutcomeCalls
from bonafide_client.calls.policies import PolicyCalls
from bonafide_client.connection import accepted
from bonafide_client.decisions import ALL_DECISIONS, DecisionQuery
from bonafide_client.errors import NotDecided
from bonafide_client.signing import Unsigned
from bonafide_client.transport import ApiRequest

# The service decides at the latest 30 s after the end of a session, or a minute later if the end was lost.
DECISION_SECONDS = 120.0
POLL_SECONDS = 0.25


class Client(AdministrationCalls, OutcomeCalls, PolicyCalls):
    """Talks to one deployment. Threads may share a client; close it, or use it in a `with` statement.

    Every method raises `ProblemError` if the service refuses, and `RetriesExhausted` if it still fails when the
    retry budget is used up. A retry is the same request with the same Idempotency-Key, so it never has a second effect.

    Attributes:
        counts: how often requests were repeated so far.
    """

    def health(self) -> Any:
        """Returns `status`, `version` and `stage` of the service."""
        return self.send("GET", "/v1/health")

    def put_domain(
        self,
        domain: str,
        policy: Mapping[str, Any] | None = None,
        retention: Mapping[str, Any] | None = None,
        principals: Mapping[str, Any] | None = None,
        quota: Mapping[str, Any] | None = None,
    ) -> answers.DomainDocument:
        """Creates a domain or replaces its policy, retention, principals or quota; those that are left out stay."""
        settings = {"policy": policy, "retention": retention, "principals": principals, "quota": quota}
        body = {name: dict(value) for name, value in settings.items() if value is not None}
        return cast("answers.DomainDocument", self.send("PUT", paths.of_domain(domain), body))

    def get_domain(self, domain: str) -> answers.DomainDocument:
        """Reads a domain."""
        return cast("answers.DomainDocument", self.send("GET", paths.of_domain(domain)))

    def delete_domain(self, domain: str, *, force: bool = False) -> None:
        """Deletes an empty domain, or with `force` one and all its speakers."""
        self.send("DELETE", f"{paths.of_domain(domain)}{'?force=true' if force else ''}")

    def enroll(
        self,
        domain: str,
        speaker: str,
        audio: bytes | Mapping[str, Any],
        consent: Mapping[str, Any],
        *,
        key: str | None = None,
    ) -> answers.EnrollmentDocument:
        """Adds a recording to a speaker's voiceprint.

        Args:
            domain: of the speaker.
            speaker: to enroll.
            audio: a WAV file, or `audio` of the contract: see `bodies.audio`.
            consent: receipt of the speaker's consent: see `bodies.consent`.
            key: Idempotency-Key.
        """
        body = {"audio": self._audio(domain, audio), "consent": dict(consent)}
        answer = self.send("POST", f"{paths.of_speaker(domain, speaker)}/enrollments", body, key=key)
        return cast("answers.EnrollmentDocument", answer)

    def authenticate(  # noqa: PLR0913, one parameter for each thing that is known of a call
        self,
        domain: str,
        speaker: str,
        audio: bytes | Mapping[str, Any],
        *,
        call_id: str | None = None,
        caller: str | None = None,
        call: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> answers.DecisionDocument:
        """Decides whether a recording is of the claimed speaker.

        Args:
            domain: of the speaker.
            speaker: who the caller claims to be.
            audio: a WAV file, or `audio` of the contract: see `bodies.audio`.
            call_id: your reference to the call.
            caller: your reference to who calls, such as a hash of the number: failed attempts are limited by it, too.
            call: what else you know of the call, `call` of the contract, such as `{"caller_number": "+12025550143"}`.
            key: Idempotency-Key.
        """
        body = {"audio": self._audio(domain, audio), **_context(call_id, caller, call)}
        answer = self.send("POST", f"{paths.of_speaker(domain, speaker)}/authentications", body, key=key)
        return cast("answers.DecisionDocument", answer)

    def get_speaker(self, domain: str, speaker: str) -> answers.SpeakerDocument:
        """Reads a speaker."""
        return cast("answers.SpeakerDocument", self.send("GET", paths.of_speaker(domain, speaker)))

    def list_speakers(
        self, domain: str, *, limit: int | None = None, cursor: str | None = None
    ) -> answers.SpeakerPageDocument:
        """Reads one page of speakers; `cursor` is `next_cursor` of the page before."""
        given = {name: value for name, value in (("limit", limit), ("cursor", cursor)) if value is not None}
        query = f"?{urlencode(given)}" if given else ""
        return cast("answers.SpeakerPageDocument", self.send("GET", f"{paths.of_domain(domain)}/speakers{query}"))

    def speakers(self, domain: str) -> Iterator[answers.SpeakerDocument]:
        """Reads all speakers, page by page."""
        page = self.list_speakers(domain)
        yield from page["speakers"]
        while page["next_cursor"]:
            page = self.list_speakers(domain, cursor=page["next_cursor"])
            yield from page["speakers"]

    def get_decision(self, domain: str, decision_id: str) -> answers.LedgerEntryDocument:
        """Reads a decision with everything that explains it."""
        path = paths.of_decision(domain, decision_id)
        return cast("answers.LedgerEntryDocument", self.send("GET", path))

    def list_decisions(
        self, domain: str, selection: DecisionQuery = ALL_DECISIONS, *, cursor: str | None = None
    ) -> answers.LedgerPageDocument:
        """Reads one page of decisions, the newest first; `cursor` is `next_cursor` of the page before."""
        given = {**selection.parameters(), **({"cursor": cursor} if cursor else {})}
        query = f"?{urlencode(given)}" if given else ""
        return cast("answers.LedgerPageDocument", self.send("GET", f"{paths.of_domain(domain)}/decisions{query}"))

    def decisions(self, domain: str, selection: DecisionQuery = ALL_DECISIONS) -> Iterator[answers.LedgerEntryDocument]:
        """Reads all selected decisions, page by page."""
        page = self.list_decisions(domain, selection)
        yield from page["decisions"]
        while page["next_cursor"]:
            page = self.list_decisions(domain, selection, cursor=page["next_cursor"])
            yield from page["decisions"]

    def delete_speaker(self, domain: str, speaker: str) -> None:
        """Deletes a speaker and their voiceprint."""
        self.send("DELETE", paths.of_speaker(domain, speaker))

    def opt_out(self, domain: str, speaker: str) -> answers.SpeakerDocument:
        """Deletes a speaker's voiceprint and refuses to make another without new consent."""
        return cast("answers.SpeakerDocument", self.send("POST", f"{paths.of_speaker(domain, speaker)}/opt-out"))

    def create_upload(self, domain: str, content_length: int | None = None) -> answers.UploadDocument:
        """Asks for a URL that takes one recording of so many bytes."""
        body = {} if content_length is None else {"content_length": content_length}
        return cast("answers.UploadDocument", self.send("POST", f"{paths.of_domain(domain)}/uploads", body))

    def put_upload(self, upload: answers.UploadDocument, content: bytes) -> None:
        """Sends the bytes of a recording to the URL of an upload.

        Raises:
            ProblemError: the URL does not take them.
        """
        request = ApiRequest("PUT", upload["url"], content, {})
        response = self._transport.send(request, Unsigned(), self.counts, self._sleep)
        if response.status != 200:
            raise response.problem()

    def upload(self, domain: str, content: bytes) -> str:
        """Uploads a recording; returns its name, for `{"upload": name}`."""
        upload = self.create_upload(domain, len(content))
        self.put_upload(upload, content)
        return upload["upload"]

    def start_session(  # noqa: PLR0913, one parameter for each thing that is known of a call
        self,
        domain: str,
        format: Mapping[str, Any],  # noqa: A002, the field's name
        *,
        speaker: str | None = None,
        call_id: str | None = None,
        caller: str | None = None,
        call: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> answers.SessionDocument:
        """Starts a session whose audio arrives in chunks.

        Args:
            domain: of the speaker.
            format: `encoding`, `sample_rate` and `channel` of every chunk.
            speaker: who the caller claims to be; may be said later by `claim`.
            call_id: your reference to the call.
            caller: your reference to who calls, such as a hash of the number: failed attempts are limited by it, too.
            call: what else you know of the call, `call` of the contract, such as `{"caller_number": "+12025550143"}`.
            key: Idempotency-Key.
        """
        body = {"speaker": speaker, "format": dict(format), **_context(call_id, caller, call)}
        return cast("answers.SessionDocument", self.send("POST", f"{paths.of_domain(domain)}/sessions", body, key=key))

    def get_session(self, domain: str, session: str) -> answers.SessionDocument:
        """Reads a session."""
        return cast("answers.SessionDocument", self.send("GET", paths.of_session(domain, session)))

    def claim(self, domain: str, session: str, speaker: str) -> answers.SessionDocument:
        """Says, or corrects, who the caller claims to be."""
        answer = self.send("PUT", f"{paths.of_session(domain, session)}/speaker", {"speaker": speaker})
        return cast("answers.SessionDocument", answer)

    def put_audio(self, domain: str, session: str, chunk: int, content: bytes) -> answers.ReceiptDocument:
        """Sends a chunk, of which the first has the number 0; the same chunk again changes nothing.

        Its bytes are sent as they are, which a service of the first release refuses as a media type: `content` of the
        contract, in base64, is taken by every release.
        """
        path = f"{paths.of_session(domain, session)}/audio/{chunk}"
        answer = self.request("PUT", path, content)
        if answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return cast("answers.ReceiptDocument", self.send("PUT", path, {"content": bodies.in_base64(content)}))
        return cast("answers.ReceiptDocument", accepted(answer))

    def end_session(self, domain: str, session: str, chunks: int, *, key: str | None = None) -> answers.SessionDocument:
        """Says that no more audio follows, and how many chunks there are."""
        path = f"{paths.of_session(domain, session)}/end"
        return cast("answers.SessionDocument", self.send("POST", path, {"chunks": chunks}, key=key))

    def evaluate(self, domain: str, session: str) -> answers.EvaluationDocument:
        """Judges the audio of a session so far."""
        return cast("answers.EvaluationDocument", self.send("GET", f"{paths.of_session(domain, session)}/evaluation"))

    def wait_for_decision(
        self, domain: str, session: str, *, seconds: float = DECISION_SECONDS, poll: float = POLL_SECONDS
    ) -> answers.EvaluationDocument:
        """Evaluates a session until its decision is final.

        Args:
            domain: of the session.
            session: that was ended.
            seconds: to wait.
            poll: seconds between two evaluations.

        Raises:
            NotDecided: there is no final decision by then.
        """
        deadline = time.monotonic() + seconds
        while (evaluation := self.evaluate(domain, session))["status"] != "FINAL":
            if time.monotonic() > deadline or self._sleep(poll):
                raise NotDecided(f"the session {session} has no final decision after {seconds:.0f} s")
        return evaluation

    def _audio(self, domain: str, given: bytes | Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(given, bytes):
            return dict(given)
        return bodies.audio(given) if bodies.fits_inline(given) else {"upload": self.upload(domain, given)}


def _context(call_id: str | None, caller: str | None, call: Mapping[str, Any] | None) -> dict[str, Any]:
    stated = {name: value for name, value in (("call_id", call_id), ("caller", caller)) if value}
    return {**({"context": stated} if stated else {}), **({"call": dict(call)} if call else {})}
