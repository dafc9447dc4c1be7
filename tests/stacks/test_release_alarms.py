"""The release alarms' metric math, as the template has it, over samples of an old and a new version."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.cloud.alarms.alarm import alarm
from local.cloud.metrics.query import answer
from local.cloud.metrics.store import Metric, MetricStore
from local.aws.template import StackTemplate

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
    return StackTemplate(assembly, "Bonafide-dev-Service", content, {}, {version: NEW})


def value(template: StackTemplate, kind: str, old: Samples, new: Samples) -> float | None:
    """Returns the value that an alarm compares with its threshold; None without data."""
    store = MetricStore()
    for version, samples in ((OLD, old), (NEW, new)):
        for name, values in samples.items():
            for dimensions in ({}, {"version": version}):
                place = {"service": "authenticate_caller", **dimensions}
                store.put(Metric.of("Bonafide", name, place), NOW - 60, values)
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
    assert value(template, "LateAnswers", {"RequestLatency": [9000.0] * 50}, {}) is None


@pytest.mark.parametrize(
    ("late", "answers", "percent"), [(0, 40, 0.0), (2, 20, 0.0), (3, 9, 0.0), (3, 20, 15.0), (20, 20, 100.0)]
)
def test_late_answers_count_in_percent_once_there_are_enough(
    template: StackTemplate, late: int, answers: int, percent: float
) -> None:
    new = {"RequestLatency": [2500.0] * late + [60.0] * (answers - late)}
    assert value(template, "LateAnswers", {}, new) == pytest.approx(percent)


@pytest.mark.parametrize(("failed", "percent"), [(1, 0.0), (2, 10.0)])
def test_one_failure_rolls_no_release_back(template: StackTemplate, failed: int, percent: float) -> None:
    new = {"Requests": [1.0] * 20, "Failures": [1.0] * failed + [0.0] * (20 - failed)}
    assert value(template, "FailedAnswers", {}, new) == pytest.approx(percent)
