"""One row of each kind as the first release wrote it, and the record that it is."""

import json
from datetime import UTC, datetime
from typing import Any

from bonafide.audio.encoding import Encoding, RecordingFormat
from bonafide.biometrics.enrollment import SpeakerStatus
from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.policy import Disclosure, Policy, SyntheticEnrollment
from bonafide.records.domain import DomainRecord, Retention
from bonafide.records.session import SessionRecord
from bonafide.records.speaker import Consent, SpeakerRecord

MOMENT = "2026-01-02T03:04:05.678901+00:00"
LATER = "2026-01-02T04:04:05+00:00"
AT, LATER_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC)

DOMAIN_DOCUMENT: dict[str, Any] = {
    "policy": {
        "impostor_prior": 0.05,
        "spoof_prior": 0.002,
        "false_accept_cost": 300.0,
        "spoof_accept_cost": 200.0,
        "false_reject_cost": 4.0,
        "step_up_cost": 1.5,
        "minimum_enrolment_seconds": 12.5,
        "minimum_decision_seconds": 2.5,
    },
    "retention": {"decision_days": 30, "keep_audio": True},
    "policy_version": 3,
    "created_at": MOMENT,
    "updated_at": LATER,
    "tentative": False,
}
DOMAIN_ITEM: dict[str, Any] = {
    "domain": {"S": "acme"},
    "item": {"S": "domain"},
    "version": {"N": "7"},
    "created_at": {"S": MOMENT},
    "deleting": {"BOOL": False},
    "document": {"S": json.dumps(DOMAIN_DOCUMENT)},
}
DOMAIN = DomainRecord(
    "acme",
    Policy(
        *(0.05, 0.002, 300.0, 200.0, 4.0, 1.5, 12.5, 2.5),
        disclosure=Disclosure.FULL,
        synthetic_enrollment=SyntheticEnrollment.RECORD,
    ),
    Retention(30, True),
    AT,
    LATER_AT,
    3,
    7,
)

VOICEPRINT = (
    b'{"format": 1, "embedding_space": "space-1", "speech_seconds": 4.25, "templates": [{"channel": "narrowband", '
    b'"seconds": 4.25, "recorded_seconds": 4.25, "recordings": 1}]}\n\x00\x00\x80\x3f\x00\x00\x00\xc0'
)
SPEAKER_DOCUMENT: dict[str, Any] = {
    "consent": {"receipt_id": "receipt-1", "given_at": "2026-01-01T00:00:00+02:00"},
    "opted_out_at": LATER,
    "applied": ["one", "two"],
    "created_at": MOMENT,
    "updated_at": LATER,
}
SPEAKER_ITEM: dict[str, Any] = {
    "domain": {"S": "acme"},
    "item": {"S": "speaker#ann"},
    "version": {"N": "2"},
    "created_at": {"S": MOMENT},
    "status": {"S": "ENROLLED"},
    "document": {"S": json.dumps(SPEAKER_DOCUMENT)},
    "voiceprint": {"B": VOICEPRINT},
}
SPEAKER = SpeakerRecord(
    domain="acme",
    speaker="ann",
    status=SpeakerStatus.ENROLLED,
    created_at=AT,
    updated_at=LATER_AT,
    consent=Consent("receipt-1", datetime(2025, 12, 31, 22, tzinfo=UTC)),
    opted_out_at=LATER_AT,
    applied=("one", "two"),
    version=2,
)

SESSION_DOCUMENT: dict[str, Any] = {
    "speaker": "ann",
    "call_id": "call-7",
    "encoding": "mulaw",
    "sample_rate": 8000,
    "channel": None,
    "bands": ["narrowband"],
    "chunk_count": 12,
    "decision_id": None,
    "started_at": MOMENT,
    "due_at": LATER,
    "expires_at": LATER,
    "finalised_at": LATER,
}
SESSION_ITEM: dict[str, Any] = {
    "session": {"S": "acme#session-1"},
    "item": {"S": "session"},
    "version": {"N": "4"},
    "document": {"S": json.dumps(SESSION_DOCUMENT)},
    "expires_at": {"N": "1767413045"},
    "due_at": {"N": "1767326645"},
    "open": {"S": "3"},
    "request_id": {"S": "request-1"},
}
SESSION = SessionRecord(
    domain="acme",
    session="session-1",
    speaker="ann",
    call_id="call-7",
    format=RecordingFormat(Encoding.MULAW, 8000),
    bands=(Channel.NARROWBAND,),
    started_at=AT,
    due_at=LATER_AT,
    expires_at=LATER_AT,
    chunk_count=12,
    finalized_at=LATER_AT,
    request_id="request-1",
    version=4,
)

ROW_DOCUMENT: dict[str, Any] = {
    "number": 3,
    "content": "ab" * 32,
    "speech_seconds": 1.4375,
    "channel": "narrowband",
    "quality": {"level_dbfs": -21.5, "clipped": 0.0001, "snr_db": None},
    "embedding_space": "space-1",
    "liveness": 2.5,
    "bundle": "d" * 64,
    "accepted_at": MOMENT,
    "scored_at": LATER,
    "request_id": "request-1",
}
ROW_ITEM: dict[str, Any] = {
    "session": {"S": "acme#session-1"},
    "item": {"S": f"chunk#1767323045.679#000003#{'ab' * 8}#475e1f0c"},
    "document": {"S": json.dumps(ROW_DOCUMENT)},
    "embeddings": {"M": {"narrowband": {"B": b"\x00\x00\x80\x3f\x00\x00\x00\xc0"}}},
    "expires_at": {"N": "1767413045"},
}

AUTHENTICATION: dict[str, Any] = {
    "decision_id": "5f0c5e1c-3b5e-5a5e-9d5b-0d3a3e0c9a10",
    "domain": "acme",
    "claimed_speaker": "ann",
    "decision": "STEP_UP",
    "reasons": ["LIVENESS_UNCERTAIN", "VOICE_MATCH"],
    "speaker": {"llr": 5.432, "score": 93.8, "threshold": 1.632},
    "liveness": {"llr": -0.25, "score": 46.9, "threshold": -1.371, "state": "uncertain"},
    "speech_seconds": 5.04,
    "channel": "wideband",
    "quality": {"level_dbfs": -21.3, "clipped": 0.0002, "snr_db": 31.4},
    "degraded": [],
    "bundle": "d" * 64,
    "policy_version": 3,
    "call_id": "call-7",
    "decided_at": "2026-01-02T03:04:05.678901Z",
    "latency_ms": 312,
    "request_id": "request-1",
}
SILENT_AUTHENTICATION: dict[str, Any] = {
    **AUTHENTICATION,
    "decision": "INCONCLUSIVE",
    "reasons": ["NO_SPEECH"],
    "speaker": None,
    "liveness": None,
    "speech_seconds": 0.0,
    "quality": {"level_dbfs": -70.0, "clipped": 0.0, "snr_db": None},
    "call_id": None,
    "request_id": None,
}
EVALUATION: dict[str, Any] = {
    "evaluation_id": "0f6a7a34-0b4e-5b9c-8a54-5f9f1c1f6f11",
    "session_id": "session-1",
    "domain": "acme",
    "claimed_speaker": "ann",
    "status": "FINAL",
    "decision_id": "9d1f7a0e-71c6-5c5e-8f6e-1a2b3c4d5e6f",
    "decision": "STEP_UP",
    "reasons": ["VOICE_MATCH", "SIGNAL_MISSING"],
    "speaker": {"llr": 5.432, "score": 93.8, "threshold": 1.632},
    "liveness": None,
    "speech_seconds": 21.5,
    "channel": "narrowband",
    "quality": {"level_dbfs": -21.3, "clipped": 0.0, "snr_db": 31.4},
    "chunks": {"expected": 12, "scored": 12, "used": 11, "conflicting": 1, "late": 0},
    "degraded": ["evidence_of_other_models", "liveness"],
    "bundle": "d" * 64,
    "policy_version": 3,
    "call_id": "call-7",
    "decided_at": "2026-01-02T03:04:05Z",
    "request_id": "request-1",
}
SILENT_EVALUATION: dict[str, Any] = {
    **EVALUATION,
    "claimed_speaker": None,
    "decision": "INCONCLUSIVE",
    "reasons": ["SPEAKER_NOT_CLAIMED"],
    "speaker": None,
    "speech_seconds": 0.0,
    "channel": None,
    "quality": None,
    "chunks": {"expected": None, "scored": 0, "used": 0, "conflicting": 0, "late": 0},
    "degraded": [],
}
