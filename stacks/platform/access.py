"""Grants of one table, bucket or stream to functions: each with the variable that names the resource."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from stacks.platform.function import ServiceFunction

# What a caller of a table needs of its key: DynamoDB decrypts the table's own key for every call, a writer's too.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
# A writer without Decrypt is refused: https://github.com/aws/aws-cdk/issues/10010
KEY_OF_READERS = ("Decrypt", "DescribeKey")
KEY_OF_WRITERS = ("Encrypt", "GenerateDataKey*", "ReEncrypt*")
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"}

# S3 also decrypts when it writes: the bucket's own key.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
KEY_OF_OBJECTS = {
    "GetObject": ("Decrypt",),
    "GetObjectVersion": ("Decrypt",),
    "PutObject": ("Decrypt", "GenerateDataKey"),
}

# https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
KEY_OF_RECORDS = {"PutRecord": ("GenerateDataKey",), "GetRecords": ("Decrypt",)}


@dataclass(frozen=True, slots=True)
class TableAccess:
    """A table.

    Attributes:
        table: the resource.
        key: encrypts it.
        variable: tells a function the table's name.
    """

    table: dynamodb.Table
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, *actions: str, index: str = "") -> None:
        """Allows DynamoDB actions on the table, or on one of its indexes."""
        # Not `table.grant`, which adds every index.
        resource = f"{self.table.table_arn}/index/{index}" if index else self.table.table_arn
        function.allow(resource, *[f"dynamodb:{action}" for action in actions])
        function.set(self.variable, self.table.table_name)
        writing = KEY_OF_WRITERS if WRITES & set(actions) else ()
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *writing)

    def allow_in(self, function: ServiceFunction, partition: str, *actions: str) -> None:
        """Allows writing actions on the partitions that a pattern names, and on no others.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [partition]}}
        function.allow(self.table.table_arn, *[f"dynamodb:{action}" for action in actions], conditions=conditions)
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *KEY_OF_WRITERS)

    def allow_attributes(self, function: ServiceFunction, attributes: Sequence[str], *actions: str) -> None:
        """Allows actions on these attributes, keys and those of conditions included, and on no others.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        conditions = {"ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)}}
        function.allow(self.table.table_arn, *[f"dynamodb:{action}" for action in actions], conditions=conditions)
        function.set(self.variable, self.table.table_name)
        writing = KEY_OF_WRITERS if WRITES & set(actions) else ()
        function.allow_key(self.key, "dynamodb", *KEY_OF_READERS, *writing)

    def deny_writing(
        self,
        function: ServiceFunction,
        *partitions: str,
        actions: Sequence[str] = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
    ) -> None:
        """Denies writing, or some actions of it, to partitions that patterns name, whatever else is allowed.

        Source: "Using IAM policy conditions for fine-grained access control", Amazon DynamoDB Developer Guide.
        """
        function.deny(
            self.table.table_arn,
            {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": list(partitions)}},
            *[f"dynamodb:{action}" for action in actions],
        )


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """A bucket.

    Attributes:
        bucket: the resource.
        key: encrypts it.
        variable: tells a function the bucket's name.
    """

    bucket: s3.Bucket
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, **actions: str) -> None:
        """Allows each S3 action on the keys given with it."""
        for action, keys in actions.items():
            function.allow(self.bucket.arn_for_objects(keys), f"s3:{action}")
        if used := sorted({each for action in actions for each in KEY_OF_OBJECTS.get(action, ())}):
            function.allow_key(self.key, "s3", *used)
        # Besides listing, it makes S3 report that an object is missing instead of denying access to it.
        function.allow(self.bucket.bucket_arn, "s3:ListBucket")
        function.set(self.variable, self.bucket.bucket_name)

    def allow_adding(self, function: ServiceFunction, *keys: str) -> None:
        """Allows to add locked objects, and to list all their versions; not to change, delete or unlock any."""
        for each in keys:
            self.allow(function, PutObject=each, PutObjectRetention=each, PutObjectTagging=each)
        function.allow(self.bucket.bucket_arn, "s3:ListBucketVersions")


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """A stream.

    Attributes:
        stream: the resource.
        key: encrypts it.
        variable: tells a function the stream's name.
    """

    stream: kinesis.Stream
    key: kms.Key
    variable: str

    def allow(self, function: ServiceFunction, *actions: str) -> None:
        """Allows Kinesis actions on the stream."""
        self.stream.grant(function.role, *[f"kinesis:{action}" for action in actions])
        if used := sorted({each for action in actions for each in KEY_OF_RECORDS.get(action, ())}):
            function.allow_key(self.key, "kinesis", *used)
        function.set(self.variable, self.stream.stream_name)
