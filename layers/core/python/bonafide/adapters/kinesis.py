"""The audio stream on Kinesis."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from bonafide.errors import Overloaded, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

THROTTLED = {"ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException"}


class KinesisAudioStream:
    """`AudioStream` on one stream; events of one partition keep their order."""

    def __init__(self, client: "KinesisClient", stream: str) -> None:
        self._client = client
        self._stream = stream

    def put(self, partition: str, event: bytes) -> str:
        """See `AudioStream`."""
        try:
            return self._client.put_record(StreamName=self._stream, PartitionKey=partition, Data=event)["ShardId"]
        except ClientError as error:
            if error.response["Error"]["Code"] in THROTTLED:
                raise overloaded() from error
            raise StoreUnavailable from error
        except BotoCoreError as error:
            raise StoreUnavailable from error


def overloaded() -> Overloaded:
    """The refusal of audio that could not be scored in time."""
    return Overloaded("audio_overload", "More audio arrives than can be scored in time.", headers={"Retry-After": "1"})
