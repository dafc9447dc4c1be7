import json
from pathlib import Path

import pytest

from bonafide.adapters.ledger.objects import PERIODS, TAG
from bonafide.adapters.model_files import PENDING
from tests.stacks.conftest import OfKind, statements

TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
POLICY = "AWS::S3::BucketPolicy"
KEY = "AWS::KMS::Key"
STREAM = "AWS::Kinesis::Stream"


@pytest.mark.parametrize(("kind", "count"), [(TABLE, 8), (BUCKET, 4), (POLICY, 4), (KEY, 1)])
def test_state_survives_the_deletion_of_its_stack(data: OfKind, kind: str, count: int) -> None:
    resources = data(kind)
    assert len(resources) == count
    for resource in resources.values():
        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_nothing_else_of_the_data_stack_is_left_and_billed(assembly: Path) -> None:
    resources = json.loads((assembly / "Bonafide-dev-Data.template.json").read_text())["Resources"].values()
    left = {each["Type"] for each in resources if each.get("DeletionPolicy") == "Retain"}
    assert left == {TABLE, BUCKET, POLICY, KEY}
    (stream,) = (each for each in resources if each["Type"] == STREAM)
    assert stream["DeletionPolicy"] == stream["UpdateReplacePolicy"] == "Delete"


def test_a_bucket_that_is_left_goes_on_refusing_everything_but_tls(data: OfKind) -> None:
    policies = data(POLICY)
    guarded = {
        each["Properties"]["Bucket"]["Ref"]
        for each in policies.values()
        if {"Bool": {"aws:SecureTransport": "false"}} in [one.get("Condition") for one in statements({"": each})]
        and each["DeletionPolicy"] == "Retain"
    }
    assert guarded == set(data(BUCKET))


def test_tables_can_be_restored_and_are_encrypted_with_the_own_key(data: OfKind) -> None:
    (key,) = data(KEY)
    for table in data(TABLE).values():
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
        assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_a_deleted_key_is_in_no_backup_after_a_day(data: OfKind) -> None:
    days = {
        id_[:-8]: table["Properties"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]
        for id_, table in data(TABLE).items()
    }
    assert days.pop("TemplateKeys") == 1
    assert set(days.values()) == {35}


def test_tables_have_the_keys_that_the_code_relies_on(data: OfKind) -> None:
    keys = {
        tuple(key["AttributeName"] for key in table["Properties"]["KeySchema"]): table["Properties"]
        .get("TimeToLiveSpecification", {})
        .get("AttributeName")
        for table in data(TABLE).values()
    }
    assert keys == {
        ("domain", "item"): "expires_at",
        ("domain", "decision_id"): "expires_at",
        ("session", "item"): "expires_at",
        ("owner", "item"): "expires_at",
        ("id",): "expiration",
        ("partition", "item"): "expires_at",
    }


def test_recordings_are_private_and_encrypted_with_the_own_key(data: OfKind) -> None:
    for bucket in data(BUCKET).values():
        properties = bucket["Properties"]
        assert all(properties["PublicAccessBlockConfiguration"].values())
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_recordings_travel_over_tls_only(data: OfKind) -> None:
    conditions = [each["Condition"] for each in statements(data("AWS::S3::BucketPolicy")) if each["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions


def test_uploads_are_deleted_after_a_day(data: OfKind) -> None:
    buckets = data(BUCKET).values()
    rules = {rule["Id"]: rule for each in buckets for rule in each["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["uploads"]["Prefix"] == "uploads/"
    assert rules["uploads"]["ExpirationInDays"] == 1


def test_events_that_could_not_be_scored_are_kept_for_two_weeks(data: OfKind) -> None:
    buckets = data(BUCKET).values()
    rules = {rule["Id"]: rule for each in buckets for rule in each["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["failures"]["ExpirationInDays"] == 14
    assert (rules["batches"]["Prefix"], rules["batches"]["ExpirationInDays"]) == ("aws/lambda/", 1)


def test_an_erased_recording_is_not_kept_as_a_version(data: OfKind) -> None:
    # An archived decision has nothing about the person once the key of the speaker is deleted.
    versioned = [id_ for id_, each in data(BUCKET).items() if "VersioningConfiguration" in each["Properties"]]
    assert sorted(id_.rstrip("0123456789ABCDEF") for id_ in versioned) == ["Archive", "ModelFiles"]


def test_files_of_models_are_locked_and_only_unregistered_ones_expire(data: OfKind) -> None:
    (bucket,) = [each["Properties"] for id_, each in data(BUCKET).items() if id_.startswith("ModelFiles")]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockEnabled"] is True
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {"Mode": "GOVERNANCE", "Days": 365}
    deleting = [
        rule
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if any(word in name for name in rule for word in ("ExpirationInDays", "NoncurrentVersion"))
    ]
    assert [rule["TagFilters"] for rule in deleting] == [[dict(zip(("Key", "Value"), PENDING.split("="), strict=True))]]


def test_the_key_is_rotated(data: OfKind) -> None:
    (key,) = data(KEY).values()
    assert key["Properties"]["EnableKeyRotation"]


def test_archived_decisions_are_locked_and_expire_by_the_period_that_their_tag_names(data: OfKind) -> None:
    (bucket,) = [each["Properties"] for id_, each in data(BUCKET).items() if id_.startswith("Archive")]
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 1}
    rules = [each for each in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in each]
    # S3 counts from the day of writing, and a decision may be archived the day after its own.
    assert {each["TagFilters"][0]["Value"]: each["ExpirationInDays"] for each in rules} == {
        str(days): days + 1 for days in PERIODS
    }
    assert {each["TagFilters"][0]["Key"] for each in rules} == {TAG}


def test_the_table_of_decisions_tells_what_is_added_to_it(data: OfKind) -> None:
    streams = {id_[:-8]: each["Properties"].get("StreamSpecification") for id_, each in data(TABLE).items()}
    assert {id_ for id_, each in streams.items() if each} == {"Decisions"}
    assert streams["Decisions"] == {"StreamViewType": "NEW_IMAGE"}


def test_nobody_writes_over_what_is_in_the_archive(data: OfKind) -> None:
    (bucket,) = [id_ for id_ in data(BUCKET) if id_.startswith("Archive")]
    policies = [each for each in data(POLICY).values() if each["Properties"]["Bucket"] == {"Ref": bucket}]
    (denied,) = [each for each in statements({"": policies[0]}) if each["Action"] == "s3:PutObject"]
    assert (denied["Effect"], denied["Principal"]) == ("Deny", {"AWS": "*"})
    assert denied["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    assert denied["Resource"] == {"Fn::Join": ["", [{"Fn::GetAtt": [bucket, "Arn"]}, "/*"]]}
