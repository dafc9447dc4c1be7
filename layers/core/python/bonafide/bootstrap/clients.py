"""Clients of AWS, and how long they wait."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from bonafide import __version__
from bonafide.adapters.tracing import traced

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The slowest call to a store ends after 3 attempts of 2 s and their pauses, well inside the API's 29 s.
CALLS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    signature_version="v4",
    # The SDK would put its own together anew for each call, which costs a tenth of the call.
    user_agent=f"bonafide/{__version__}",
)
# A presigned URL names the host of the bucket's region. botocore's defaults name the global host, from which S3
# redirects (307), or answers 400 for buckets in regions launched after March 20, 2019:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html
UPLOADS = CALLS.merge(
    Config(
        signature_version="s3v4",
        read_timeout=5,
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    )
)

# A decision does without a domain's calibration rather than wait longer for its key.
KEYS = CALLS.merge(Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2}))

# Nor than a second for counters of calls, without which it is at best STEP_UP.
COUNTERS = CALLS.merge(
    Config(connect_timeout=0.4, read_timeout=0.4, retries={"mode": "standard", "total_max_attempts": 2})
)


@cache
def dynamodb() -> "DynamoDBClient":
    """Returns the client of all tables."""
    return traced(boto3.client("dynamodb", config=CALLS))
