"""Hosts of presigned URLs, which clients call without following redirects."""

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from bonafide.adapters.s3 import S3AudioStore
from bonafide.bootstrap.clients import UPLOADS

BUCKET = "bonafide-dev-data-audio1234abcd-0a1b2c3d4e5f"
REGIONS = {
    "us-east-1": "amazonaws.com",
    "eu-west-1": "amazonaws.com",
    # Opt-in regions, whose buckets the global host refuses.
    "ap-southeast-5": "amazonaws.com",
    "me-central-1": "amazonaws.com",
    "mx-central-1": "amazonaws.com",
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
}


def upload_url(region: str, **options: Any) -> str:
    session = boto3.Session("key", "secret", region_name=region)
    return S3AudioStore(session.client("s3", config=UPLOADS, **options), BUCKET).presign_upload("uploads/a/b", 900, 5)


@pytest.mark.parametrize("region", REGIONS)
def test_the_host_of_an_upload_is_in_the_region_of_the_bucket(region: str) -> None:
    assert urlsplit(upload_url(region)).netloc == f"{BUCKET}.s3.{region}.{REGIONS[region]}"


def test_the_local_run_names_its_own_endpoint() -> None:
    parts = urlsplit(upload_url("us-east-1", endpoint_url="http://127.0.0.1:4600"))
    assert (parts.netloc, parts.path) == ("127.0.0.1:4600", f"/{BUCKET}/uploads/a/b")
