"""Whatever the stream delivers, how often and in which order: the evidence and the decision are the same."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.evidence import Evidence
from bonafide.biometrics.session import fold
from bonafide.contracts.events import parse
from tests.streamed import Deployment, Remembering, Script, bundle, chunks, sent

GENUINE = Script("genuine", "grace", "grace")
IMPOSTOR = Script("impostor", "daws", "grace")
OTHER = Script("other", "atkins", "atkins", 3)
SCRIPTS = (GENUINE, IMPOSTOR, OTHER)
CASES = settings(max_examples=80, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Outcome:
    """All that may be seen of calls in the end, without times."""

    evidence: dict[str, list[str]]
    decisions: dict[str, dict[str, Any]]
    pooled: dict[str, tuple[bytes, float]]


def outcome(line: Deployment) -> Outcome:
    names = [script.session for script in SCRIPTS]
    return Outcome(
        evidence={name: line.evidence(name) for name in names},
        decisions={name: line.final(name) for name in names},
        pooled={name: pooled(line, name) for name in names},
    )


def pooled(line: Deployment, session: str) -> tuple[bytes, float]:
    return bits(fold([row.chunk for row in line.rows(session)], bundle().embedding_space).evidence)


def bits(evidence: Evidence | None) -> tuple[bytes, float]:
    if evidence is None:
        return b"", 0.0
    return b"".join(vector.tobytes() for _, vector in sorted(evidence.embeddings.items())), evidence.speech_seconds


def started() -> Deployment:
    line = Deployment()
    line.start(*SCRIPTS)
    return line


@cache
def in_order() -> Outcome:
    line = started()
    for event in EVENTS:
        line.take(event)
    return outcome(line)


EVENTS = [event for script in SCRIPTS for event in script.events]
PLACES = st.permutations(range(len(EVENTS)))
SOME = st.lists(st.integers(0, len(EVENTS) - 1), max_size=12)


def batches(places: list[int], sizes: list[int]) -> list[list[bytes]]:
    """Cuts a delivery; sizes repeat."""
    found: list[list[bytes]] = []
    while places:
        size = sizes[len(found) % len(sizes)]
        found.append([EVENTS[place] for place in places[:size]])
        places = places[size:]
    return found


def test_the_calls_are_decided_as_their_voices_deserve() -> None:
    decisions = {name: each["decision"] for name, each in in_order().decisions.items()}
    assert decisions["genuine"] == "ACCEPT"
    assert decisions["impostor"] != "ACCEPT"


@CASES
@given(PLACES, SOME, st.randoms(use_true_random=False))
def test_no_order_interleaving_or_duplicate_changes_evidence_or_decision(
    places: list[int], again: list[int], chance: Any
) -> None:
    line, delivery = started(), [*places, *again]
    chance.shuffle(delivery)
    for place in delivery:
        line.take(EVENTS[place])
    assert outcome(line) == in_order()


@CASES
@given(PLACES, st.integers(0, len(EVENTS)), PLACES)
def test_a_prefix_and_then_everything_again_changes_nothing(first: list[int], length: int, again: list[int]) -> None:
    line = started()
    for place in (*first[:length], *again, *first):
        line.take(EVENTS[place])
    assert outcome(line) == in_order()


@CASES
@given(PLACES, st.lists(st.integers(1, 7), min_size=1, max_size=5), SOME)
def test_however_the_stream_cuts_its_batches_and_repeats_them_nothing_changes(
    places: list[int], sizes: list[int], repeated: list[int]
) -> None:
    line, cut = started(), batches(places, sizes)
    entry = line.entry
    for batch in (*cut, *(cut[each % len(cut)] for each in repeated)):
        assert entry({"Records": line.records(batch)}) == {"batchItemFailures": []}
    assert outcome(line) == in_order()
    assert not line.failures.documents


CONFLICTING = [
    *(GENUINE.chunk(number) for number in range(4)),
    sent("genuine", 1, chunks("daws")[1]),
    sent("genuine", 1, chunks("atkins", 3)[1]),
    sent("genuine", 3, chunks("daws")[0]),
]


def conflicted(places: list[int]) -> Deployment:
    line = Deployment()
    line.start(GENUINE)
    for place in places:
        line.take(CONFLICTING[place])
    return line


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.permutations(range(len(CONFLICTING))), st.lists(st.integers(0, len(CONFLICTING) - 1), max_size=5))
def test_of_different_contents_under_one_number_the_same_one_counts_in_any_order(
    places: list[int], again: list[int]
) -> None:
    line, reference = conflicted([*places, *again]), conflicted(list(range(len(CONFLICTING))))
    for each in (line, reference):
        each.take(GENUINE.end)
    assert line.evidence("genuine") == reference.evidence("genuine")
    assert line.final("genuine") == reference.final("genuine")
    assert line.final("genuine")["chunks"]["conflicting"] == 2


MODELS = st.lists(st.sampled_from(["own", "other"]), min_size=4, max_size=4)


def rolled_out(deliveries: list[tuple[int, str]]) -> Deployment:
    """Chunks scored while two bundles of different spaces are deployed side by side."""
    line = Deployment()
    line.start(GENUINE)
    consumers = {"own": line.models, "other": Remembering("another-space", "e" * 64)}
    for number, models in deliveries:
        line.models = consumers[models]
        line.scoring.handle(parse(GENUINE.chunk(number)), line.now)
    line.models = consumers["own"]
    return line


@settings(max_examples=50, deadline=None, derandomize=True)
@given(MODELS, st.permutations(range(4)), st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["own", "other"]))))
def test_during_a_rollout_spaces_never_mix(models: list[str], places: list[int], again: list[tuple[int, str]]) -> None:
    deliveries = [*((number, models[number]) for number in places), *again]
    line = rolled_out(deliveries)
    line.take(GENUINE.end)
    own = sorted({number for number, which in deliveries if which == "own"})
    rows = [row.chunk for row in line.rows("genuine")]
    folded = fold(rows, bundle().embedding_space, 4)
    assert folded.used == tuple(own)
    assert folded.other_space == 4 - len(own)
    alone = fold([row for row in rows if row.evidence.embedding_space != "another-space"], bundle().embedding_space, 4)
    assert bits(folded.evidence) == bits(alone.evidence)
    assert bool(line.final("genuine")["degraded"]) == bool(folded.other_space)
    assert line.final("genuine")["decision"] != "ACCEPT" or not folded.other_space


@pytest.mark.parametrize("space", ["another-space"])
def test_a_call_that_only_other_models_heard_is_never_decided(space: str) -> None:
    line = rolled_out([(number, "other") for number in range(4)])
    line.take(GENUINE.end)
    final = line.final("genuine")
    assert (final["decision"], final["speaker"], final["chunks"]["used"]) == ("INCONCLUSIVE", None, 0)
