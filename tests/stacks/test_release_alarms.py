"""The release alarms' metric math, as the template has it, over samples of an old and a new version."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.aws.template import StackTemplate
from local.cloud.alarms.alarm import AlarmState, MetricAlarm, alarm
from local.cloud.metrics.query import answer
from local.cloud.metrics.store import Metric, MetricStore

NOW = 1_800_000_000
OUTCOMES = ("Accepts", "StepUps", "Rejects", "Inconclusives")
OLD, NEW = "1", "2"

type Samples = Mapping[str, Sequence[float]]


@pytest.fixture(scope="module")
def template(assembly: Path) -> StackTemplate:
    content: dict[str, Any] = json.loads((assembly / "Bonafide-dev-Service.template.json").read_text())
    version = next(
        id_
        for id_, each in content["Resources"].items()
        if each["Type"] == "AWS::Lambda::Version" and id_.startswith("AuthenticateCaller")
    )
    return StackTemplate(assembly, "Bonafide-dev-Service", content, defaultdict(str), {version: NEW})


def metrics(template: StackTemplate, name: str, version: str) -> list[Metric]:
    """The metrics to which a version adds a sample: its own and, of the product's, that of all versions."""
    if name in {"Errors", "Invocations", "Duration"}:
        function = template.resource_names()["authenticate_caller"]
        place = {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": version}
        return [Metric.of("AWS/Lambda", name, place)]
    place = {"stage": "dev", "service": "authenticate_caller"}
    return [Metric.of("Bonafide", name, place | own) for own in ({}, {"version": version})]


def value(template: StackTemplate, kind: str, old: Samples, new: Samples) -> float | None:
    """Returns the value that an alarm compares with its threshold; None without data."""
    store = MetricStore()
    for version, samples in ((OLD, old), (NEW, new)):
        for name, values in samples.items():
            for metric in metrics(template, name, version):
                store.put(metric, NOW - 60, values)
    id_ = next(id_ for id_, _ in template.raw("AWS::CloudWatch::Alarm") if id_.startswith(f"AuthenticateCaller{kind}"))
    read = alarm(id_, dict(template.resources("AWS::CloudWatch::Alarm"))[id_])
    (series,) = answer(read.queries, store, [NOW - 300], 300).values()
    return series.get(NOW - 300)


def mix(*counts: int) -> Samples:
    rows = [[float(i == j) for i in range(len(counts))] for j, count in enumerate(counts) for _ in range(count)]
    return dict(zip(OUTCOMES, map(list, zip(*rows, strict=True)), strict=True))


def scores(values: Sequence[float]) -> Samples:
    return {"SpeakerLlr": list(values), "SpeakerLlrSquared": [value * value for value in values]}


def test_the_same_mix_is_no_change(template: StackTemplate) -> None:
    assert value(template, "DecisionMix", mix(70, 10, 20, 0), mix(21, 3, 6, 0)) == pytest.approx(0)


def test_a_change_of_the_mix_is_pearsons_chi_squared(template: StackTemplate) -> None:
    old, new = np.array([140, 20, 30, 10]), np.array([10, 5, 15, 0])
    expected = (old + new) * np.array([[old.sum()], [new.sum()]]) / (old + new).sum()
    statistic = float((((np.stack([old, new]) - expected) ** 2) / expected).sum())
    assert value(template, "DecisionMix", mix(*old), mix(*new)) == pytest.approx(statistic)
    assert statistic > 16.27


@pytest.mark.parametrize(("old", "new"), [((200, 0, 0, 0), (0, 0, 19, 0)), ((19, 0, 0, 0), (0, 0, 200, 0))])
def test_too_few_decisions_of_either_version_are_no_change(
    template: StackTemplate, old: tuple[int, ...], new: tuple[int, ...]
) -> None:
    assert value(template, "DecisionMix", mix(*old), mix(*new)) == 0


def test_a_small_difference_is_no_change_even_if_it_is_significant(template: StackTemplate) -> None:
    assert value(template, "DecisionMix", mix(9000, 0, 1000, 0), mix(8500, 0, 1500, 0)) == 0


def test_drift_is_the_square_of_a_z_statistic_over_the_variance_of_all_scores(template: StackTemplate) -> None:
    rng = np.random.default_rng(3)
    old, new = rng.normal(4, 5, 300), rng.normal(-2, 3, 40)
    z = (new.mean() - old.mean()) ** 2 / (np.concatenate([old, new]).var() * (1 / 40 + 1 / 300))
    assert value(template, "ScoreDrift", scores(old.tolist()), scores(new.tolist())) == pytest.approx(z)
    assert z > 10.83


def test_a_new_version_without_impostors_is_no_drift(template: StackTemplate) -> None:
    genuine, impostor = [6.0, 7.0], [-6.0]
    old = scores(genuine * 90 + impostor * 20)
    assert (value(template, "ScoreDrift", old, scores(genuine * 12)) or 0) < 10.83


def test_small_and_rare_differences_are_no_drift(template: StackTemplate) -> None:
    steady = [4.0, 4.2] * 100
    assert value(template, "ScoreDrift", scores(steady), scores([4.5, 4.6] * 20)) == 0
    assert value(template, "ScoreDrift", scores(steady), scores([-4.0] * 19)) == 0


def test_a_release_without_traffic_raises_no_alarm(template: StackTemplate) -> None:
    assert value(template, "DecisionMix", mix(70, 10, 20, 0), {}) == 0
    assert value(template, "FailedAnswers", {"Invocations": [1.0] * 50, "Failures": [1.0] * 50}, {}) is None


def state(template: StackTemplate, *minutes: Sequence[float]) -> AlarmState:
    """The state of the alarm on late answers after minutes with the given durations."""
    store = MetricStore()
    for i, durations in enumerate(minutes):
        store.put(metrics(template, "Duration", NEW)[0], NOW - 60 * (len(minutes) - i) + 30, durations)
    read = late_answers(template)
    return read.evaluate(store, NOW, AlarmState.OK)


def late_answers(template: StackTemplate) -> MetricAlarm:
    id_ = next(id_ for id_, _ in template.raw("AWS::CloudWatch::Alarm") if id_.startswith("AuthenticateCallerLate"))
    return alarm(id_, dict(template.resources("AWS::CloudWatch::Alarm"))[id_])


LATE, GOOD = [2500.0], [60.0] * 20


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([GOOD] * 5, AlarmState.OK),
        ([LATE, LATE, GOOD, GOOD, GOOD], AlarmState.OK),
        ([LATE], AlarmState.OK),
        ([], AlarmState.OK),
        ([LATE, LATE, GOOD, LATE, GOOD], AlarmState.ALARM),
        ([GOOD + LATE * 2] * 5, AlarmState.OK),
        ([GOOD + LATE * 3] * 5, AlarmState.ALARM),
    ],
)
def test_a_tenth_of_late_answers_in_three_of_five_minutes_rolls_a_release_back(
    template: StackTemplate, minutes: Sequence[Sequence[float]], expected: AlarmState
) -> None:
    assert state(template, *minutes) == expected


@pytest.mark.parametrize(
    ("errors", "failed", "percent"), [(0, 1, 0.0), (1, 0, 0.0), (1, 1, 10.0), (2, 0, 10.0), (0, 2, 10.0)]
)
def test_one_failure_rolls_no_release_back_and_each_counts_once_whoever_counts_it(
    template: StackTemplate, errors: int, failed: int, percent: float
) -> None:
    answered = 20 - errors
    new = {
        "Invocations": [1.0] * 20,
        "Errors": [1.0] * errors + [0.0] * answered,
        "Failures": [1.0] * failed + [0.0] * (answered - failed),
    }
    assert value(template, "FailedAnswers", {}, new) == pytest.approx(percent)
