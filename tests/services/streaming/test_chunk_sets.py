"""A final decision is a function of the chunks that its record names: all that were accepted, or it says not."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.biometrics.session import Mark, content_tag
from bonafide.contracts.sessions import ChunkRequest, EndRequest
from bonafide.errors import Conflict
from bonafide.records.session import GRACE, set_digest
from tests.services.streaming.test_sessions import request
from tests.streamed import DOMAIN, Deployment, Script, chunks, sent

CALL = Script("call", "grace", "grace", 3)
# Two contents of each number.
CONTENTS = {(number, other): chunks(("grace", "daws")[other], 3)[number] for number in range(3) for other in range(2)}
TAGS = {name: content_tag(hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()}
SENT = {name: ChunkRequest(content=request(content).content) for name, content in CONTENTS.items()}

PUTS = st.tuples(st.just("put"), st.sampled_from(sorted(CONTENTS)))
STEPS = st.one_of(
    PUTS,
    PUTS,
    st.tuples(st.just("score"), st.integers(1, 3)),
    st.tuples(st.just("evaluate"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([1, 20])),
)


@dataclass
class Play:
    """A session step by step, as its clients and the stream may do them.

    Attributes:
        accepted: chunks that were answered before the end was sent.
        named: set of chunks when the decision became final, at `decided_at`.
    """

    line: Deployment = field(default_factory=Deployment)
    accepted: list[tuple[int, int]] = field(default_factory=list)
    delivered: int = 0
    ended_at: datetime | None = None
    named: list[Mark] = field(default_factory=list)
    decided_at: datetime | None = None

    def __post_init__(self) -> None:
        self.line.start(CALL)

    def step(self, action: str, what: Any) -> None:
        try:
            getattr(self, action)(what)
        except Conflict as refusal:
            if refusal.code != "session_final":
                raise
        if self.decided_at is None and self.line.is_final("call"):
            self.named, self.decided_at = self.marks(), self.line.now

    def marks(self) -> list[Mark]:
        record = self.line.sessions.session(DOMAIN, "call")
        assert record
        return list(self.line.sessions.marks(record))

    def put(self, chunk: tuple[int, int]) -> None:
        self.line.intake.put(DOMAIN, "call", chunk[0], SENT[chunk])
        self.accepted += [] if self.ended_at else [chunk]

    def end(self, count: int) -> None:
        self.ended_at = self.line.now
        self.line.intake.end(DOMAIN, "call", EndRequest(chunks=count))

    def score(self, records: int) -> None:
        for _, event in self.line.stream.events[self.delivered : self.delivered + records]:
            self.line.take(event)
            self.delivered += 1

    def evaluate(self, _: None) -> None:
        self.line.calls.evaluate(DOMAIN, "call")

    def wait(self, seconds: int) -> None:
        self.line.now += timedelta(seconds=seconds)
        self.line.closing.close_overdue(lambda: 60.0)


def decided_on(named: list[Mark]) -> dict[str, Any]:
    """The decision on these chunks alone, scored in their order before the end comes."""
    line = Deployment()
    line.start(CALL)
    contents = {(number, TAGS[number, other]): content for (number, other), content in CONTENTS.items()}
    for mark in sorted(named):
        line.take(sent("call", mark.number, contents[mark.number, mark.content]))
    line.take(CALL.end)
    line.now += GRACE
    line.closing.close_overdue(lambda: 60.0)
    return without_completeness(line.final("call"))


def without_completeness(decision: dict[str, Any]) -> dict[str, Any]:
    return {**decision, "chunks": {**decision["chunks"], "complete": None}}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(STEPS, max_size=14), st.lists(STEPS, max_size=6))
def test_a_final_decision_knows_every_chunk_accepted_before_the_end_or_says_that_the_wait_was_over(
    before: list[tuple[str, Any]], after: list[tuple[str, Any]]
) -> None:
    play = Play()
    for step in (*before, ("end", 3), *after, ("score", 99), ("wait", GRACE.seconds)):
        play.step(*step)
    final, named = play.line.final("call"), play.named
    assert final["chunks"]["digest"] == set_digest(named, 3)
    if final["chunks"]["complete"]:
        assert {(mark.number, mark.content) for mark in named} >= {(chunk[0], TAGS[chunk]) for chunk in play.accepted}
    else:
        assert play.ended_at
        assert play.decided_at
        assert play.decided_at - play.ended_at >= GRACE
    assert without_completeness(final) == decided_on(named)


def ended_with_a_second_content_under_way() -> Play:
    """Every number is scored, and one of them came again with another content right before the end."""
    play = Play()
    for step in (("put", (0, 0)), ("put", (1, 0)), ("put", (2, 0)), ("score", 3), ("put", (1, 1)), ("end", 3)):
        play.step(*step)
    return play


def test_the_end_waits_for_a_second_content_of_a_number_that_was_accepted_before_it() -> None:
    play = ended_with_a_second_content_under_way()
    play.step("evaluate", None)
    assert not play.line.is_final("call")
    play.step("score", 2)
    chunk_counts = play.line.final("call")["chunks"]
    assert (chunk_counts["conflicting"], chunk_counts["complete"]) == (1, True)


def test_a_content_that_is_never_scored_is_waited_for_as_long_as_a_number_and_the_record_says_so() -> None:
    play = ended_with_a_second_content_under_way()
    play.step("wait", GRACE.seconds)
    chunk_counts = play.line.final("call")["chunks"]
    assert (chunk_counts["scored"], chunk_counts["conflicting"], chunk_counts["complete"]) == (3, 0, False)
