"""Results of the shadow, as the page reads them: which calls would have been decided differently, and cohorts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bonafide.biometrics.outcomes.error_rates import wilson

SIDES = ("champion", "challenger")
SHORT, LONG = 4.0, 10.0

# One result of `GET /v1/domains/{domain}/shadow`.
type Result = Mapping[str, Any]


def bundles(result: Result) -> tuple[str, str]:
    """Returns the digests of champion and challenger."""
    return result["champion"]["bundle"], result["challenger"]["bundle"]


def decisions(result: Result) -> tuple[str, str] | None:
    """Returns what the champion decided and the challenger would have; None where it could not compare the voice."""
    champion, challenger = (result[side]["decision"] for side in SIDES)
    return None if challenger is None else (champion, challenger)


def is_flip(result: Result) -> bool:
    """Tells whether the challenger would have decided differently."""
    decided = decisions(result)
    return decided is not None and decided[0] != decided[1]


def is_session(result: Result) -> bool:
    """Tells whether a result is of a session of chunks, and not of one recording."""
    return result.get("chunks") is not None


def cohorts(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Yields the name and the results of each cohort that has any, all results first."""
    chosen: Mapping[str, Callable[[Result], bool]] = {
        "all calls": lambda _: True,
        "recordings": lambda each: not is_session(each),
        "sessions": is_session,
        "narrowband": lambda each: each["channel"] == "narrowband",
        "wideband": lambda each: each["channel"] == "wideband",
        f"below {SHORT:g} s of speech": lambda each: each["speech_seconds"] < SHORT,
        f"{SHORT:g} to {LONG:g} s of speech": lambda each: SHORT <= each["speech_seconds"] < LONG,
        f"{LONG:g} s of speech and more": lambda each: each["speech_seconds"] >= LONG,
    }
    for name, choose in chosen.items():
        if found := [each for each in results if choose(each)]:
            yield name, found


def flips_among(results: Sequence[Result]) -> tuple[int, int, float, float]:
    """Returns flips, decisions that could be compared, and the 95 % interval of their share."""
    compared = sum(decisions(each) is not None for each in results)
    flips = sum(map(is_flip, results))
    return flips, compared, *wilson(flips, compared)
