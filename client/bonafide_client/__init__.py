"""Python client for Bonafide, the open voice-authentication backend."""

from bonafide_client.client import Client
from bonafide_client.decisions import DecisionQuery
from bonafide_client.errors import (
    BonafideClientError,
    InvalidIdentifier,
    MissingCredentials,
    NotDecided,
    ProblemError,
    RetriesExhausted,
    TooManyRequests,
    UnplayableRecording,
)
from bonafide_client.live import LiveAudio
from bonafide_client.recording import SourceRecording
from bonafide_client.retries import NO_RETRIES, RetryBudget
from bonafide_client.signing import Signer, SigV4Signer, Unsigned
from bonafide_client.streaming import SessionProducer, StreamProgress
from bonafide_client.transport import ApiResponse

__version__ = "0.1.0"

__all__ = [
    "NO_RETRIES",
    "ApiResponse",
    "BonafideClientError",
    "Client",
    "DecisionQuery",
    "InvalidIdentifier",
    "LiveAudio",
    "MissingCredentials",
    "NotDecided",
    "ProblemError",
    "RetriesExhausted",
    "RetryBudget",
    "SessionProducer",
    "SigV4Signer",
    "Signer",
    "SourceRecording",
    "StreamProgress",
    "TooManyRequests",
    "UnplayableRecording",
    "Unsigned",
]
