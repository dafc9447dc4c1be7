import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.aws.functions.environment import InvocationResult
from local.aws.streams.failure import notice
from local.aws.streams.mapping import (
    EXHAUSTED,
    MAX_EVENT,
    TOO_OLD,
    EventSourceMapping,
    PartitionGroup,
    StreamBatch,
    StreamRecord,
    acknowledged,
    fitting,
    mappings,
)
from local.aws.streams.poller import group_of
from local.aws.template import StackTemplate

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/calls"
RULES = EventSourceMapping("Mapping", STREAM, "score_audio")
NOW = 1_800_000_000.0
FAILED = InvocationResult(b'{"errorType": "ValueError"}', "Handled")
DONE = InvocationResult(b"null")


def record(number: int, key: str = "a", arrived: float = NOW, size: int = 10) -> StreamRecord:
    return StreamRecord(f"{number:030d}", key, arrived, b"x" * size)


def records(count: int) -> tuple[StreamRecord, ...]:
    return tuple(record(number) for number in range(count))


def reporting(*places: int) -> InvocationResult:
    failures = [{"itemIdentifier": record(place).sequence} for place in places]
    return InvocationResult(json.dumps({"batchItemFailures": failures}).encode())


def numbers(batches: tuple[StreamBatch, ...]) -> list[list[int]]:
    return [[int(each.sequence) for each in batch.records] for batch in batches]


@pytest.mark.parametrize(
    "answer", [b"", b"null", b"{}", b"[]", b'""', b'{"batchItemFailures": []}', b'{"batchItemFailures": null}']
)
def test_an_answer_without_failures_acknowledges_the_whole_batch(answer: bytes) -> None:
    assert acknowledged(InvocationResult(answer), records(3), reports=True) == 3


@pytest.mark.parametrize(
    "failures",
    [[{"itemIdentifier": ""}], [{"itemIdentifier": None}], [{"itemIdentifier": "7"}], [{"id": "1"}], ["1"], [None], 5],
)
def test_an_identifier_that_is_none_of_the_batch_fails_all_of_it(failures: Any) -> None:
    answer = json.dumps({"batchItemFailures": failures}).encode()
    assert acknowledged(InvocationResult(answer), records(3), reports=True) == 0


@pytest.mark.parametrize("answer", [b"fine", b'"fine"', b"[1]", b"7", b"\xff"])
def test_an_answer_of_another_kind_fails_the_whole_batch(answer: bytes) -> None:
    assert acknowledged(InvocationResult(answer), records(3), reports=True) == 0


def test_the_lowest_of_the_reported_failures_is_the_checkpoint() -> None:
    assert acknowledged(reporting(4, 2, 3), records(5), reports=True) == 2


def test_what_is_reported_counts_only_where_the_mapping_asks_for_reports() -> None:
    assert acknowledged(reporting(2), records(5), reports=False) == 5
    assert acknowledged(FAILED, records(5), reports=True) == 0


def test_only_what_is_behind_the_checkpoint_is_tried_again_as_a_new_batch() -> None:
    rules = replace(RULES, reports=True, retries=0)
    (rest,) = StreamBatch(records(5), attempts=1).after(reporting(2), rules, NOW)
    assert numbers((rest,)) == [[2, 3, 4]]
    assert (rest.attempts, rest.discarded, rest.not_before) == (0, "", 0)


def test_a_failed_batch_is_split_in_two_without_using_up_a_retry() -> None:
    halves = StreamBatch(records(5)).after(FAILED, replace(RULES, bisects=True, retries=0), NOW)
    assert numbers(halves) == [[0, 1], [2, 3, 4]]
    assert [half.attempts for half in halves] == [0, 0]


def test_a_batch_whose_first_record_is_reported_is_split_in_two_as_well() -> None:
    rules = replace(RULES, bisects=True, reports=True)
    assert numbers(StreamBatch(records(3)).after(reporting(0, 2), rules, NOW)) == [[0], [1, 2]]


def test_a_batch_that_is_not_split_is_tried_again_later_under_the_same_request_id() -> None:
    batch = StreamBatch(records(2))
    (second,) = batch.after(FAILED, RULES, NOW)
    (third,) = second.after(FAILED, RULES, NOW)
    assert {second.request_id, third.request_id} == {batch.request_id}
    assert NOW < second.not_before < third.not_before
    assert (third.attempts, third.records) == (2, batch.records)


def test_retries_are_counted_after_the_first_attempt() -> None:
    rules = replace(RULES, retries=1)
    (again,) = StreamBatch(records(2)).after(FAILED, rules, NOW)
    (discarded,) = again.after(FAILED, rules, NOW)
    assert (again.discarded, discarded.discarded, discarded.attempts) == ("", EXHAUSTED, 2)


def test_without_a_limit_retries_never_end() -> None:
    (again,) = StreamBatch(records(1), attempts=10_000).after(FAILED, RULES, NOW)
    assert not again.discarded
    assert again.not_before <= NOW + 10


def test_records_that_are_too_old_are_given_up_and_those_behind_them_stay() -> None:
    batch = StreamBatch((record(0, arrived=NOW - 61), record(1, arrived=NOW - 60), record(2)))
    old, rest = batch.without_old(replace(RULES, max_age=60), NOW)
    assert (old.discarded, rest.discarded) == (TOO_OLD, "")
    assert numbers((old, rest)) == [[0], [1, 2]]


def test_an_event_holds_no_more_than_six_megabytes() -> None:
    big = [record(number, size=MAX_EVENT // 3) for number in range(4)]
    assert fitting(big) == 2
    assert len(StreamBatch(tuple(big[:2])).event()) <= MAX_EVENT
    assert fitting([record(0, size=2 * MAX_EVENT)]) == 1


def test_a_batch_is_formed_when_it_is_full_or_its_window_has_passed() -> None:
    rules = replace(RULES, batch_size=3, window=5)
    group = PartitionGroup().add(records(2), NOW)
    assert not group.advance(rules, NOW + 4.9).batches
    assert numbers(group.advance(rules, NOW + 5).batches) == [[0, 1]]
    assert numbers(group.add([record(2), record(3)], NOW + 1).advance(rules, NOW + 1).batches) == [[0, 1, 2]]


def test_a_batch_that_cannot_grow_does_not_wait_for_its_window() -> None:
    group = PartitionGroup().add([record(0), record(1, size=MAX_EVENT)], NOW)
    assert numbers(group.advance(replace(RULES, window=300), NOW).batches) == [[0]]


def test_the_next_window_begins_when_an_invocation_ends() -> None:
    rules = replace(RULES, window=5)
    group = PartitionGroup().add(records(1), NOW).advance(rules, NOW + 5)
    group = group.add([record(1)], NOW + 6).settle((), NOW + 8)
    assert not group.advance(rules, NOW + 12.9).batches
    assert group.advance(rules, NOW + 13).batches


def test_the_function_is_given_records_as_lambda_gives_them() -> None:
    arrived = datetime.fromtimestamp(NOW + 0.25, UTC)
    found = {"SequenceNumber": "42", "PartitionKey": "call", "Data": b"\0\1", "ApproximateArrivalTimestamp": arrived}
    event = json.loads(StreamBatch((StreamRecord.of(found, "shardId-000000000001", RULES),)).event())
    assert event == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "call",
                    "sequenceNumber": "42",
                    "data": "AAE=",
                    "approximateArrivalTimestamp": NOW + 0.25,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000001:42",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/score_audio",
                "awsRegion": "us-east-1",
                "eventSourceARN": STREAM,
            }
        ]
    }


def test_the_notice_says_where_the_records_are_and_why_they_were_given_up() -> None:
    batch = StreamBatch((record(1), record(3, arrived=NOW + 1)), attempts=2, error=True, discarded=EXHAUSTED)
    assert notice(batch, RULES, "shardId-000000000001", NOW + 2) == {
        "requestContext": {
            "requestId": batch.request_id,
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:score_audio:live",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "1", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2027-01-15T08:00:02.000Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": record(1).sequence,
            "endSequenceNumber": record(3).sequence,
            "approximateArrivalOfFirstRecord": "2027-01-15T08:00:00.000Z",
            "approximateArrivalOfLastRecord": "2027-01-15T08:00:01.000Z",
            "batchSize": 2,
            "streamArn": STREAM,
        },
    }


def test_the_notice_of_records_that_were_never_tried_speaks_of_no_response() -> None:
    (old,) = StreamBatch((record(0, arrived=0),)).without_old(replace(RULES, max_age=60), NOW)
    assert "responseContext" not in notice(old, RULES, "shardId-000000000000", NOW)


type Consume = Callable[[StreamBatch], InvocationResult | None]


def play(given: tuple[StreamRecord, ...], rules: EventSourceMapping, consume: Consume) -> list[tuple[str, StreamBatch]]:
    """Works off records, three at a time, and returns what happened; `consume` answers None when it is throttled."""
    groups = [PartitionGroup() for _ in range(rules.groups)]
    happened: list[tuple[str, StreamBatch]] = []
    unread, now = list(given), NOW
    while unread or any(group.waiting or group.batches for group in groups):
        now += 0.5
        read, unread = unread[:3], unread[3:]
        for number, group in enumerate(groups):
            mine = [each for each in read if group_of(each.key, rules.groups) == number]
            groups[number] = turn(group.add(mine, now), rules, consume, happened, now)
    return happened


def turn(
    group: PartitionGroup,
    rules: EventSourceMapping,
    consume: Consume,
    happened: list[tuple[str, StreamBatch]],
    now: float,
) -> PartitionGroup:
    group = group.advance(rules, now)
    batch = group.next(now)
    if batch is None:
        return group
    outcome = None if batch.discarded else consume(batch)
    if batch.discarded:
        happened.append(("given up", batch))
        return group.settle((), now)
    if outcome is None:
        return group.settle((batch.pause(now),), now)
    happened.append(("tried", batch))
    done = acknowledged(outcome, batch.records, reports=rules.reports)
    happened.append(("done", StreamBatch(batch.records[:done])))
    return group.settle(batch.after(outcome, rules, now), now)


SHARDS = st.lists(st.tuples(st.sampled_from("abcde"), st.floats(NOW - 100, NOW)), max_size=25).map(
    lambda drawn: tuple(record(number, key, arrived) for number, (key, arrived) in enumerate(drawn))
)
LIMITED = st.builds(
    EventSourceMapping,
    name=st.just("Mapping"),
    stream=st.just(STREAM),
    function=st.just("score_audio"),
    batch_size=st.integers(1, 10),
    window=st.sampled_from([0.0, 2.0]),
    groups=st.integers(1, 4),
    bisects=st.booleans(),
    reports=st.booleans(),
    retries=st.integers(0, 3),
    max_age=st.sampled_from([-1.0, 60.0]),
)


@st.composite
def consumers(draw: st.DrawFn) -> Consume:
    choices = st.sampled_from(["fails", "is throttled", "reports", "reports nonsense", "succeeds"])
    drawn = iter(draw(st.lists(st.tuples(choices, st.integers(0, 9)), max_size=60)))

    def consume(batch: StreamBatch) -> InvocationResult | None:
        choice, place = next(drawn, ("succeeds", 0))
        sequence = batch.records[place % len(batch.records)].sequence
        report = json.dumps({"batchItemFailures": [{"itemIdentifier": sequence}]}).encode()
        outcomes: Mapping[str, InvocationResult | None] = {
            "fails": FAILED,
            "is throttled": None,
            "reports": InvocationResult(report),
            "reports nonsense": InvocationResult(b"nonsense"),
            "succeeds": DONE,
        }
        return outcomes[choice]

    return consume


@given(SHARDS, LIMITED, consumers())
def test_every_record_is_done_or_given_up_exactly_once(
    given: tuple[StreamRecord, ...], rules: EventSourceMapping, consume: Consume
) -> None:
    happened = play(given, rules, consume)
    ended = [each for what, batch in happened if what != "tried" for each in batch.records]
    assert sorted(ended, key=lambda each: each.sequence) == list(given)


@given(SHARDS, LIMITED, consumers())
def test_records_of_one_partition_key_end_in_their_order(
    given: tuple[StreamRecord, ...], rules: EventSourceMapping, consume: Consume
) -> None:
    happened = play(given, rules, consume)
    ended = [each for what, batch in happened if what != "tried" for each in batch.records]
    for key in {each.key for each in given}:
        own = [each.sequence for each in ended if each.key == key]
        assert own == sorted(own)


@given(SHARDS, LIMITED, consumers())
def test_nothing_is_tried_again_before_what_precedes_it_has_ended(
    given: tuple[StreamRecord, ...], rules: EventSourceMapping, consume: Consume
) -> None:
    ended: set[str] = set()
    for what, batch in play(given, rules, consume):
        first = batch.records[0] if batch.records else None
        group = group_of(first.key, rules.groups) if first else None
        before = {each.sequence for each in given if first and group_of(each.key, rules.groups) == group}
        assert {sequence for sequence in before if first and sequence < first.sequence} <= ended
        ended |= {each.sequence for each in batch.records if what != "tried"}


@given(SHARDS, LIMITED, consumers())
def test_attempts_are_bounded(given: tuple[StreamRecord, ...], rules: EventSourceMapping, consume: Consume) -> None:
    tried = [batch for what, batch in play(given, rules, consume) if what == "tried"]
    assert all(len(batch.records) <= rules.batch_size for batch in tried)
    assert all(batch.attempts <= rules.retries for batch in tried)


POISON = {0, 7, 8, 19}


def raises(batch: StreamBatch) -> InvocationResult:
    return FAILED if POISON & {int(each.sequence) for each in batch.records} else DONE


def reports(batch: StreamBatch) -> InvocationResult:
    return reporting(*(POISON & {int(each.sequence) for each in batch.records}))


@pytest.mark.parametrize("consume", [raises, reports])
def test_with_bisection_only_poisonous_records_are_given_up_each_by_itself(consume: Consume) -> None:
    rules = replace(RULES, bisects=True, reports=True, retries=2, batch_size=9)
    discarded = [batch for what, batch in play(records(20), rules, consume) if what == "given up"]
    assert numbers(tuple(discarded)) == [[number] for number in sorted(POISON)]
    assert {batch.attempts for batch in discarded} == {3}


def test_without_bisection_good_records_behind_a_poisonous_one_are_given_up_with_it() -> None:
    rules = replace(RULES, reports=True, retries=2, batch_size=9)
    discarded = [batch for what, batch in play(records(9), rules, reports) if what == "given up"]
    assert numbers(tuple(discarded)) == [[0, 1, 2], [7, 8]]


def test_pauses_grow_to_a_limit() -> None:
    starts = [StreamBatch(records(1), attempts=attempts).pause(0).not_before for attempts in range(1, 20)]
    assert all(one <= other for one, other in pairwise(starts))
    assert (starts[0], starts[-1]) == (0.1, 10)


def template(**properties: Any) -> StackTemplate:
    mapping = {"EventSourceArn": STREAM, "StartingPosition": "LATEST", **properties}
    resources = {
        "ScoreAudioFunction05767D89": {"Type": "AWS::Lambda::Function", "Properties": {}},
        "Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "ScoreAudioFunction05767D89"}},
        },
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]}},
        },
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    return StackTemplate(
        Path(), "Service", {"Resources": resources}, {"queue": "arn:aws:sqs:us-east-1:123456789012:failed"}
    )


# As the CDK writes the name of a function with an alias.
QUALIFIED = {"Fn::Join": ["", [{"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "Live"}]}]}, ":live"]]}
NAMES = [
    QUALIFIED,
    {"Ref": "Live"},
    {"Ref": "ScoreAudioFunction05767D89"},
    {"Fn::GetAtt": ["ScoreAudioFunction05767D89", "Arn"]},
]


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_is_read_with_the_defaults_of_aws(name: Any) -> None:
    (rules,) = mappings(template(FunctionName=name))
    assert rules == replace(RULES, start="LATEST")
    assert (rules.batch_size, rules.retries, rules.max_age, rules.groups) == (100, -1, -1, 1)


def test_all_that_a_mapping_may_say_is_read() -> None:
    given = template(
        FunctionName={"Ref": "Live"},
        BatchSize=10,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": {"Fn::ImportValue": "queue"}}},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumBatchingWindowInSeconds=1,
        MaximumRecordAgeInSeconds=300,
        MaximumRetryAttempts=2,
        ParallelizationFactor=4,
    )
    destination = "arn:aws:sqs:us-east-1:123456789012:failed"
    assert list(mappings(given)) == [
        EventSourceMapping("Mapping", STREAM, "score_audio", "LATEST", 10, 1, 4, True, True, 2, 300, destination)
    ]


def test_what_a_mapping_says_beyond_that_is_not_ignored() -> None:
    with pytest.raises(NotImplementedError, match="TumblingWindowInSeconds"):
        list(mappings(template(FunctionName={"Ref": "Live"}, TumblingWindowInSeconds=30)))


def test_a_disabled_mapping_is_left_out() -> None:
    assert not list(mappings(template(FunctionName={"Ref": "Live"}, Enabled=False)))
