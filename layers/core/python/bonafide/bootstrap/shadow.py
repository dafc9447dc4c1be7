"""The shadow: offers of recordings, the challenger's models, and their scores."""

import os
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.models import DynamoModelRegistryStore
from bonafide.adapters.model_files import S3ModelFiles
from bonafide.adapters.onnx import Bundle
from bonafide.adapters.shadow_audio import S3ShadowAudio
from bonafide.bootstrap.clients import CALLS, UPLOADS
from bonafide.bootstrap.protection import voice_store
from bonafide.bootstrap.stores import decision_store, shadow_results
from bonafide.ports.registry import ModelFiles, ModelRegistryStore
from bonafide.records.model import ModelVersionRecord
from bonafide.services.shadow import ShadowScoring
from bonafide.services.shared.shadow.offers import ChunkOffers, ShadowOffers
from bonafide.settings import AudioBucket, DomainTable, ModelRegistryPlaces, ModelTable, ShadowShare

# After a decision only this little time is spent, once.
OFFERS = Config(connect_timeout=0.25, read_timeout=0.5, retries={"total_max_attempts": 1})
LARGEST_FILE = 256 * 1024 * 1024


def shadow_offers() -> ShadowOffers | None:
    """Composes what authentications offer to the shadow; None in a stage that offers nothing."""
    share = float(ShadowShare.read(os.environ).shadow_share)
    if not share:
        return None
    audio = S3ShadowAudio(boto3.client("s3", config=UPLOADS.merge(OFFERS)), AudioBucket.read(os.environ).audio_bucket)
    registry = DynamoModelRegistryStore(
        boto3.client("dynamodb", config=CALLS.merge(OFFERS)), ModelTable.read(os.environ).model_table
    )
    return ShadowOffers(audio, lambda: registry.aliases().challenger, share)


def chunk_offers() -> ChunkOffers | None:
    """Composes what the consumer of the stream offers to the shadow; None in a stage that offers nothing."""
    offers = shadow_offers()
    client = boto3.client("dynamodb", config=CALLS.merge(OFFERS))
    return ChunkOffers(offers, DynamoDomainStore(client, DomainTable.read(os.environ).domain_table)) if offers else None


def shadow_scoring() -> ShadowScoring:
    """Composes scoring by the challenger, and the sweep."""
    audio = S3ShadowAudio(boto3.client("s3", config=UPLOADS), AudioBucket.read(os.environ).audio_bucket)
    return ShadowScoring(voice_store(), decision_store(), audio, shadow_results())


def challenger_models() -> "ChallengerModels":
    """Composes the loading of the challenger."""
    places = ModelRegistryPlaces.read(os.environ)
    registry = DynamoModelRegistryStore(boto3.client("dynamodb", config=CALLS), places.model_table)
    return ChallengerModels(registry, S3ModelFiles(boto3.client("s3", config=UPLOADS), places.model_bucket))


class ChallengerModels:
    """The challenger's models: loaded from the registry when they are first needed, and again when the alias moves."""

    def __init__(self, registry: ModelRegistryStore, files: ModelFiles) -> None:
        self._registry = registry
        self._files = files
        self._loaded: Bundle | None = None

    def __call__(self) -> Bundle | None:
        """Returns the models; None while there is no challenger.

        Raises:
            BundleCorrupt: a file is not the one that was registered; nothing of it is used.
        """
        digest = self._registry.aliases().challenger
        if digest is None or (self._loaded and self._loaded.digest == digest):
            return self._loaded if digest else None
        self._loaded = None
        version = self._registry.version(digest)
        if version is not None and version.is_ready:
            with tempfile.TemporaryDirectory() as folder:
                self._download(version, Path(folder))
                self._loaded = Bundle.load(Path(folder), digest)
        return self._loaded

    def _download(self, version: ModelVersionRecord, folder: Path) -> None:
        """Writes the files that are deployed; the bundle checks each against the manifest, and this by its digest."""
        for file in version.files:
            if not file.document:
                (folder / file.name).write_bytes(self._files.read(version.digest, file, LARGEST_FILE))
