"""Recordings of one voice and of two are put together as their kinds say."""

import random
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pytest

from bonafide.biometrics.evidence import Channel, Evidence, Quality
from training.evaluation.voices.__main__ import table
from training.evaluation.voices.material import SHORTEST_TURN_SECONDS, Cut, SpeechKind, Voice, compose
from training.evaluation.voices.shares import SHARES, MeasuredShare, Mixture, lines, mix

OWN, OTHER = "own", "other"


def composed(kind: SpeechKind, seed: int) -> list[Cut]:
    chance = random.Random(seed)
    voices = [Voice([(Path(name) / f"{number}", 7.0) for number in range(9)], chance) for name in (OWN, OTHER)]
    return compose(kind, voices, chance)


def turns(cuts: list[Cut]) -> list[tuple[str, float]]:
    grouped = groupby(cuts, lambda cut: cut.path.parent.name)
    return [(name, sum(cut.seconds for cut in some)) for name, some in grouped]


@pytest.mark.parametrize("seed", range(20))
def test_each_kind_has_the_voices_and_turns_that_it_names(seed: int) -> None:
    alone, taken, mixed = (
        turns(composed(kind, seed)) for kind in (SpeechKind.ONE, SpeechKind.HANDOVER, SpeechKind.TURNS)
    )
    assert [name for name, _ in alone] == [OWN]
    assert [name for name, _ in taken] == [OWN, OTHER]
    assert {name for name, _ in mixed} == {OWN, OTHER}
    assert min(seconds for _, seconds in mixed) >= SHORTEST_TURN_SECONDS - 1e-9
    assert sum(seconds for name, seconds in mixed if name == OTHER) >= 6.5 - 1e-9


@pytest.mark.parametrize("in_turns", [False, True])
@pytest.mark.parametrize("meant", SHARES)
def test_a_mixture_has_the_share_that_is_meant(meant: float, in_turns: bool) -> None:
    for seed in range(10):
        chance = random.Random(seed)
        own, other = (Voice([(Path(f"{name}{n}"), 7.0) for n in range(9)], chance) for name in (OWN, OTHER))
        mixture = mix(own, other, meant, in_turns, chance)
        seconds = [sum(cut.seconds for cut, who in mixture.cuts if who == each) for each in (0, 1)]
        assert seconds[0] == pytest.approx(meant * sum(seconds))
        assert 12.0 <= sum(seconds) <= 30.0
        assert all(cut.path.name.startswith((OWN, OTHER)[who]) for cut, who in mixture.cuts)
        assert in_turns or len(list(groupby(who for _, who in mixture.cuts))) <= 2


def test_the_table_of_shares_says_how_far_off_they_are() -> None:
    made = [Mixture([], meant, in_turns) for meant in SHARES for in_turns in (False, True)]
    found = [MeasuredShare(each.meant, each.meant - 0.2 * each.in_turns, refused=each.meant < 0.9) for each in made]
    last = list(lines(made, [*found[:-1], None]))[-1].split()
    assert last == ["all", "11", "0.091", "0.545", "0.727"]


def test_no_second_of_a_recording_is_used_twice() -> None:
    cuts = composed(SpeechKind.TURNS, 3)
    for before, after in pairwise(cuts):
        assert before.path != after.path or after.start == pytest.approx(before.start + before.seconds)
    assert len({(cut.path, cut.start) for cut in cuts}) == len(cuts)


def test_the_table_says_how_many_of_each_kind_are_alerted() -> None:
    def session(voices: str) -> list[Evidence]:
        units = {name: np.eye(8, dtype=np.float32)["ab".index(name)] for name in voices}
        return [
            Evidence(2.0, Channel.WIDEBAND, {Channel.WIDEBAND: units[each]}, Quality(-20.0, 0.0, None), "s")
            for each in voices
        ]

    speech = {SpeechKind.ONE: [session("aaaaaaaa")], SpeechKind.HANDOVER: [session("aaaabbbb"), session("aaaaaaaa")]}
    lines = list(table("sessions", speech))
    assert lines[0] == "sessions, wideband: 1 one voice, 2 one, then another"
    assert "  VOICE_CHANGED, bounds +0.00: one voice 0.000  one, then another 0.500" in lines
