"""Which calls to tables, buckets and streams count as faults of the resource."""

from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.stub import Stubber

from bonafide.adapters import faults
from bonafide.adapters.faults import FaultCounter
from bonafide.observability import Measurements, measurements

NAMES = {"BONAFIDE_DOMAIN_TABLE": "t-1", "BONAFIDE_SESSION_TABLE": "t-2", "BONAFIDE_AUDIO_STREAM": "s-1", "OTHER": "x"}
KEY = {"id": {"S": "a"}}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(measurements, "add_fault", found.append)
    return found


def client(service: str) -> Any:
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    made: Any = session.client(cast("Any", service))
    FaultCounter(NAMES).register(made)
    return made


def answered(service: str, operation: str, code: str | None = None, **params: Any) -> None:
    """Makes a call that is answered with an error code, or well."""
    made = client(service)
    with Stubber(made) as stub:
        if code:
            stub.add_client_error(operation, code)
        else:
            stub.add_response(operation, {})
        try:
            getattr(made, operation)(**params)
        except ClientError:
            return


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (None, []),
        ("ConditionalCheckFailedException", []),
        ("InternalServerError", ["domain_table"]),
        ("ProvisionedThroughputExceededException", ["domain_table"]),
        ("AccessDeniedException", ["domain_table"]),
        ("TransactionCanceledException", ["domain_table"]),
    ],
)
def test_a_call_counts_if_its_error_is_about_the_table(
    counted: list[str], code: str | None, expected: list[str]
) -> None:
    answered("dynamodb", "get_item", code, TableName="t-1", Key=KEY)
    assert counted == expected


def test_a_throttled_stream_is_load_and_no_fault(counted: list[str]) -> None:
    put = {"StreamName": "s-1", "Data": b"a", "PartitionKey": "a"}
    answered("kinesis", "put_record", "ProvisionedThroughputExceededException", **put)
    assert counted == []
    answered("kinesis", "put_record", "KMSDisabledException", **put)
    assert counted == ["audio_stream"]


def test_every_table_of_a_batch_or_a_transaction_is_named_and_others_are_not(counted: list[str]) -> None:
    answered("dynamodb", "batch_get_item", "InternalServerError", RequestItems={"t-2": {"Keys": [KEY]}})
    writes = [{"Put": {"TableName": name, "Item": KEY}} for name in ("t-1", "elsewhere")]
    answered("dynamodb", "transact_write_items", "InternalServerError", TransactItems=writes)
    assert counted == ["session_table", "domain_table"]


def test_a_slow_call_counts_although_it_succeeds(counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SLOW_SECONDS", -1)
    answered("dynamodb", "get_item", TableName="t-1", Key=KEY)
    assert counted == ["domain_table"]


def test_a_call_without_an_answer_counts(counted: list[str]) -> None:
    silent = client("dynamodb")
    silent.meta.events.register("before-send", _refuse)
    with pytest.raises(BotoCoreError):
        silent.get_item(TableName="t-1", Key=KEY)
    assert counted == ["domain_table"]


def _refuse(**_: object) -> None:
    raise BotoCoreError


def test_a_fault_is_written_for_its_dependency_and_at_rest_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    mine = Measurements({"BONAFIDE_STAGE": "dev"})
    mine.write()
    assert capsys.readouterr().out == ""
    mine.add_fault("domain_table")
    mine.add_fault("domain_table")
    mine.write()
    written = capsys.readouterr().out
    assert '"DependencyFaults":[1.0,1.0]' in written
    assert '"Dimensions":[["stage","dependency"]]' in written
    assert '"dependency":"domain_table"' in written
