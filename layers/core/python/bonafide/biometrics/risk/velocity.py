"""Velocity: how many calls there were in a sliding window, from sets of marks that only ever grow.

A mark is one call. It has the name of the call's decision, so that a set holds a call once, however often and in
whatever order it is added. Sets are cut by time, and hold a bounded number of marks.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bonafide.biometrics.risk.facts import CallReference

# Calls of one number, or of one speaker, are kept in sets of half a day, each of at most so many marks: about a
# kilobyte. A full one says that there were as many, or more; whom later calls were with is kept beside it without
# time, so that many calls for one speaker do not hide the others.
BLOCK = timedelta(hours=12)
MOST_MARKS = 48
MOST_OTHERS = 16
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Blocks that a window of a day reaches into.
BLOCKS = 3

# Calls of a domain are compared in two windows: the last minutes with the hour before them.
SURGE_BLOCK = timedelta(minutes=10)
SURGE_WINDOW = timedelta(minutes=10)
USUAL_WINDOW = timedelta(hours=1)
# Of a domain only a sample is kept, the smaller the more calls there are: a call has the rank r with probability
# 3/4 * 4^-r, by its name, and its mark is in the set of that rank. Where sets up to a rank are full, those above hold
# a known share of all calls. Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries and
# event reports", VLDB (2001), section 3. With 32 marks a set the standard error is 15 to 30 %.
MOST_SAMPLED = 32
HIGHEST_RANK = 8


@dataclass(frozen=True, slots=True, order=True)
class CallMark:
    """One call in a counter.

    Attributes:
        at: time of its decision, whole seconds since 1970.
        call: the first 16 digits of the SHA-256 of the decision's name, hex.
        other: who or what else was in the call: of a number's calls the speaker, of a speaker's calls the number; 8
            hexadecimal digits, empty if there was none.
    """

    at: int
    call: str
    other: str = ""

    @property
    def rank(self) -> int:
        """Rank of the call among those of its domain: pairs of zero bits at the end of its name."""
        bits = int(self.call, 16)
        return min((bits & -bits).bit_length() - 1, 2 * HIGHEST_RANK) // 2 if bits else HIGHEST_RANK


@dataclass(frozen=True, slots=True)
class CallCount:
    """Calls of one number or one speaker in the last two blocks or more.

    Attributes:
        marks: of its calls.
        full: numbers of the blocks whose sets had no more room, so that there were more.
        late: by block, the `other` of calls that a full set did not take.
    """

    marks: frozenset[CallMark] = frozenset()
    full: frozenset[int] = frozenset()
    late: frozenset[tuple[int, str]] = frozenset()

    def calls(self, now: datetime, window: timedelta, besides: str = "") -> int:
        """Counts calls in a window that ends now; if it reaches into a full block, as many as a set takes at least.

        Args:
            now: end of the window.
            window: its length.
            besides: name of a call that does not count, as `CallMark` has it.
        """
        counted = len({mark.call for mark in self._within(now, window, besides)})
        return max(counted, MOST_MARKS) if any(_reaches(now, window, block) for block in self.full) else counted

    def others(self, now: datetime, window: timedelta, own: str, besides: str = "") -> int:
        """Counts different speakers, or numbers, in a window, other than this call's own."""
        late = {other for block, other in self.late if _reaches(now, window, block)}
        return len(late.union(mark.other for mark in self._within(now, window, besides)) - {own, ""})

    def _within(self, now: datetime, window: timedelta, besides: str) -> Iterable[CallMark]:
        begin = (now - window).timestamp()
        # No call of the future is left out: clocks differ.
        return (mark for mark in self.marks if mark.at > begin and mark.call != besides)


@dataclass(frozen=True, slots=True)
class CallHistory:
    """State of the counters at the time of a decision.

    Attributes:
        of_number: calls from the number.
        of_speaker: calls that claim the speaker.
        known: references of the speaker's accepted calls by kind and keyed hash, each with the day of its last one.
        fraud: whether a call from the number was reported as fraud.
        surge: whether the domain has far more calls than usual.
    """

    of_number: CallCount = CallCount()
    of_speaker: CallCount = CallCount()
    known: Mapping[tuple[CallReference, str], date] = field(default_factory=dict)
    fraud: bool = False
    surge: bool = False


def _reaches(now: datetime, window: timedelta, block: int) -> bool:
    """Tells whether a window that ends now reaches into a block; none is in the future: clocks differ."""
    return (block + 1) * BLOCK.total_seconds() > (now - window).timestamp()


def estimated(samples: Mapping[tuple[int, int], Collection[CallMark]], begin: datetime, end: datetime) -> float:
    """Estimates how many calls a domain had from `begin` on and before `end`.

    Args:
        samples: marks by block and rank.
        begin: of the window.
        end: of the window.
    """
    window = begin.timestamp(), end.timestamp()
    return sum(_of_block(samples, block, *window) for block in {block for block, _ in samples})


def _of_block(samples: Mapping[tuple[int, int], Collection[CallMark]], block: int, begin: float, end: float) -> float:
    sets = {rank: marks for (own, rank), marks in samples.items() if own == block}
    lowest = max((rank + 1 for rank, marks in sets.items() if len(marks) >= MOST_SAMPLED), default=0)
    found = [mark for rank, marks in sets.items() if rank >= lowest for mark in marks if begin <= mark.at < end]
    return len(found) * 4.0**lowest
