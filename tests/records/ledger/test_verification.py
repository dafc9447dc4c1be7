"""An archive that nobody touched verifies; whatever else was done to it is named."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.records.ledger.entry import ArchivedDecision, StoredContent
from bonafide.records.ledger.seal import DaySeal, KnownRoot, SealedEntry
from bonafide.records.ledger.verification import Contents, Fault, Finding, verify

FIRST = date(2026, 1, 1)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
UNTIL = datetime(2026, 12, 1, tzinfo=UTC)

type Archive = dict[date, dict[str, bytes]]


def entry(name: str, day: date, text: str = "", until: datetime = UNTIL) -> bytes:
    return ArchivedDecision("acme", name, day, until, {"text": text}, None).to_bytes()


def day_of(number: int) -> date:
    return FIRST + timedelta(days=number)


def archive_of(sizes: list[int]) -> Archive:
    return {
        day_of(number): {f"d{number}-{each}": entry(f"d{number}-{each}", day_of(number)) for each in range(size)}
        for number, size in enumerate(sizes)
        if size
    }


def seals_of(archive: Mapping[date, Mapping[str, bytes]]) -> list[DaySeal]:
    made: list[DaySeal] = []
    for day in sorted(archive):
        entries = [SealedEntry.of(name, content) for name, content in archive[day].items()]
        made.append(DaySeal.make("acme", day, made[-1] if made else None, entries))
    return made


def check(seals: list[DaySeal], archive: Archive, now: datetime = NOW, known: KnownRoot | None = None) -> list[Finding]:
    stored = [DaySeal.from_bytes(each.to_bytes()) for each in seals]
    return verify(stored, sorted(archive), contents_of(archive), now, [known] if known else [])


def contents_of(archive: Archive, covered: tuple[str, ...] = ()) -> Contents:
    return lambda day: {
        name: StoredContent(name, content, name in covered) for name, content in archive.get(day, {}).items()
    }


archives = st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any).map(archive_of)


FEW = settings(max_examples=20)


@FEW
@given(archives)
def test_an_archive_that_nobody_touched_verifies(archive: Archive) -> None:
    assert check(seals_of(archive), archive) == []


@FEW
@given(archives, st.data())
def test_a_record_that_was_removed_changed_or_inserted_is_named(archive: Archive, data: st.DataObject) -> None:
    seals = seals_of(archive)
    day = data.draw(st.sampled_from(sorted(archive)))
    name = data.draw(st.sampled_from(sorted(archive[day])))
    fault = data.draw(st.sampled_from([Fault.REMOVED, Fault.CHANGED, Fault.INSERTED]))
    if fault is Fault.REMOVED:
        del archive[day][name]
    elif fault is Fault.CHANGED:
        archive[day][name] = entry(name, day, "changed")
    else:
        name = "another"
        archive[day][name] = entry(name, day)
    assert check(seals, archive) == [Finding(fault, day, name)]


@FEW
@given(archives, st.data())
def test_a_day_made_anew_with_its_seal_does_not_fit_the_next(archive: Archive, data: st.DataObject) -> None:
    seals = seals_of(archive)
    number = data.draw(st.integers(0, len(seals) - 1))
    day = seals[number].day
    name = next(iter(archive[day]))
    archive[day][name] = entry(name, day, "changed")
    former = seals[number - 1] if number else None
    root = seals[number].root
    seals[number] = DaySeal.make("acme", day, former, [SealedEntry.of(*each) for each in archive[day].items()])
    expected = [Finding(Fault.SEAL_CHANGED, day)]
    # Nothing names the newest seal yet but a copy of its root.
    assert check(seals, archive) == (expected if number < len(seals) - 1 else [])
    assert check(seals, archive, known=KnownRoot(day, root)) == expected


@FEW
@given(archives.filter(lambda archive: len(archive) > 1), st.data())
def test_a_seal_that_was_removed_or_inserted_is_named(archive: Archive, data: st.DataObject) -> None:
    seals = seals_of(archive)
    number = data.draw(st.integers(0, len(seals) - 2))
    removed = seals.pop(number)
    assert check(seals, archive) == [Finding(Fault.SEAL_REMOVED, removed.day)]
    inserted = DaySeal.make("acme", removed.day, None, [SealedEntry("other", UNTIL, "0" * 64)])
    assert Finding(Fault.SEAL_CHANGED, removed.day) in check([*seals, inserted], archive)


def test_a_seal_whose_root_is_not_its_own_is_named() -> None:
    archive = archive_of([2])
    (seal,) = seals_of(archive)
    assert check([replace(seal, root="0" * 64)], archive) == [Finding(Fault.SEAL_CHANGED, FIRST)]


def test_what_is_older_than_the_retention_may_be_gone() -> None:
    archive = {FIRST: {"a": entry("a", FIRST, until=NOW)}, day_of(1): {"b": entry("b", day_of(1))}}
    seals = seals_of(archive)
    del archive[FIRST]["a"]
    assert check(seals, archive) == []
    assert check(seals[1:], archive) == []
    assert check(seals, archive, NOW - timedelta(seconds=1)) == [Finding(Fault.REMOVED, FIRST, "a")]


def test_what_is_left_of_a_day_whose_seal_is_expired_is_named_unless_it_expired_as_well() -> None:
    archive = {FIRST: {"a": entry("a", FIRST, until=NOW)}, day_of(1): {"b": entry("b", day_of(1), until=NOW)}}
    archive[day_of(2)] = {"c": entry("c", day_of(2))}
    seals = seals_of(archive)[2:]
    assert check(seals, archive) == []
    for day in (FIRST, day_of(1)):
        archive[day] |= {"forged": entry("forged", day), "malformed": b"{"}
    assert check(seals, archive) == [
        Finding(Fault.INSERTED, day, name) for day in (FIRST, day_of(1)) for name in ("forged", "malformed")
    ]


def test_what_is_inserted_before_the_first_seal_is_named() -> None:
    archive = archive_of([1, 1, 1])
    assert check(seals_of({day: archive[day] for day in sorted(archive)[1:]}), archive) == [
        Finding(Fault.INSERTED, FIRST, "d0-0")
    ]


def test_days_without_a_seal_are_named_once_they_are_due() -> None:
    archive = archive_of([1, 1, 1])
    seals = seals_of({day: archive[day] for day in list(archive)[:1]})
    soon = datetime(2026, 1, 3, 1, 59, tzinfo=UTC)
    assert check(seals, archive, soon) == []
    assert check(seals, archive, soon + timedelta(minutes=1)) == [Finding(Fault.NOT_SEALED, day_of(1))]


def test_a_seal_that_is_not_what_was_published_is_named_and_so_is_one_that_is_gone() -> None:
    archive = archive_of([1, 1])
    first, second = seals_of(archive)
    roots = [first.published, second.published]
    contents = contents_of(archive)
    assert verify([first, second], sorted(archive), contents, NOW, roots) == []
    # Somebody who makes the whole chain anew leaves no other trace.
    forged = seals_of({day: {name: entry(name, day, "x") for name in each} for day, each in archive.items()})
    changed = {each.day: {name: entry(name, each.day, "x") for name in archive[each.day]} for each in forged}
    assert verify(forged, sorted(archive), contents_of(changed), NOW, []) == []
    found = verify(forged, sorted(archive), contents_of(changed), NOW, roots)
    assert found == [Finding(Fault.SEAL_CHANGED, FIRST), Finding(Fault.SEAL_CHANGED, day_of(1))]
    # The newest seal, with all of its records.
    assert verify([first], [FIRST], contents, NOW, roots) == [Finding(Fault.SEAL_REMOVED, day_of(1))]
    assert verify([first], [FIRST], contents, UNTIL, roots) == []


def test_what_is_covered_or_cannot_be_read_is_named() -> None:
    archive = archive_of([3])
    seals = seals_of(archive)
    names = sorted(archive[FIRST])
    contents = contents_of(archive, covered=(names[0],))
    unreadable = {**contents(FIRST), names[1]: StoredContent(names[1], None)}
    assert verify(seals, [FIRST], lambda _: unreadable, NOW) == [
        Finding(Fault.COVERED, FIRST, names[0]),
        Finding(Fault.UNREADABLE, FIRST, names[1]),
    ]
    # The rule of the bucket that deletes puts a marker over what is kept no longer.
    assert verify(seals, [FIRST], contents, UNTIL) == []
