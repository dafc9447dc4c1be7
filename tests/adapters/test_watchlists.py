"""One contract for stores of watchlists, in memory and in AWS; and what they are like to whoever steals them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bonafide.adapters.dynamodb.domains import DynamoDomainStore
from bonafide.adapters.dynamodb.items import WATCHLIST_PARTITION
from bonafide.adapters.erasure.objects import ObjectErasing
from bonafide.adapters.erasure.partitions import Partitions
from bonafide.adapters.erasure.rows import RowsOfDomain
from bonafide.adapters.kms import KmsDomainSecrets
from bonafide.adapters.memory.domains import MemoryDomainStore
from bonafide.adapters.protection.domain_keys import DomainKeys
from bonafide.adapters.protection.items import domain_key_item
from bonafide.adapters.watchlists.doubles import DoubleEnrollmentErasing, DynamoDoubleEnrollmentStore
from bonafide.adapters.watchlists.dynamodb import MOST_READ, DynamoWatchlistStore
from bonafide.adapters.watchlists.items import written_at
from bonafide.adapters.watchlists.memory import MemoryDoubleEnrollmentStore
from bonafide.adapters.watchlists.packs import VoicePacks
from bonafide.adapters.watchlists.renewal import WatchlistRenewal
from bonafide.adapters.watchlists.sealing import VoiceSealing
from bonafide.biometrics.evidence import Channel, Evidence, FloatVector, Quality
from bonafide.biometrics.voiceprint import Voiceprint
from bonafide.biometrics.watchlists.voices import KnownVoice, KnownVoices
from bonafide.errors import StoreUnavailable
from bonafide.ports.stores import DomainStore, VersionConflict
from bonafide.ports.watchlists import WatchlistStore
from bonafide.records.domain import DomainRecord, ErasedDecisions
from bonafide.records.erasure import ErasureKind, ErasureSubject
from bonafide.records.watchlists.double import DoubleEnrollmentPair, DoubleEnrollmentReport
from bonafide.records.watchlists.entry import LONGEST_KEPT, WatchlistEntry, WatchlistState
from tests.adapters.conftest import State
from tests.adapters.test_stores import a_domain

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
UNTIL = NOW + timedelta(days=30)
SPACE = "campplus-a60ad57c7847fda0"
KIND = (SPACE, Channel.NARROWBAND)


class Aws:
    """Stores in the emulator, as a function that has just started has them."""

    def __init__(self, state: State, dynamodb: Any, kms: Any) -> None:
        self.state, self.dynamodb, self.s3 = state, dynamodb, state.s3
        self.table, self.bucket = state.name("Tenants"), state.name("Audio")
        self.keys_table = state.name("TemplateKeys")
        key = next(each["KeyArn"] for each in kms.list_keys()["Keys"])
        self._secrets = KmsDomainSecrets(lambda: kms, key, "dev")

    @property
    def domains(self) -> DynamoDomainStore:
        return DynamoDomainStore(self.dynamodb, self.table)

    @property
    def lists(self) -> DynamoWatchlistStore:
        sealing = VoiceSealing(DomainKeys(self.dynamodb, self.keys_table, self._secrets))
        return DynamoWatchlistStore(self.dynamodb, self.table, sealing, VoicePacks(self.s3, self.bucket, sealing))

    @property
    def renewal(self) -> tuple[WatchlistRenewal, DomainKeys]:
        keys = DomainKeys(self.dynamodb, self.keys_table, self._secrets)
        sealing = VoiceSealing(keys)
        packs = VoicePacks(self.s3, self.bucket, sealing)
        return WatchlistRenewal(self.dynamodb, self.table, sealing, packs), keys

    def objects(self, domain: str) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"watchlists/{domain}/").get("Contents", [])
        read = {each["Key"]: self.s3.get_object(Bucket=self.bucket, Key=each["Key"]) for each in listed}
        return {key: each["Body"].read() for key, each in read.items()}

    def rows(self, domain: str) -> list[Any]:
        found, _ = Partitions(self.dynamodb, self.table).page(WATCHLIST_PARTITION + domain, whole=True)
        return list(found)


@pytest.fixture(scope="module")
def aws(state: State) -> Aws:
    return Aws(state, state.dynamodb, state.client("kms"))


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest) -> tuple[DomainStore, WatchlistStore]:
    if request.param == "memory":
        domains = MemoryDomainStore()
        return domains, domains.watchlists
    aws: Aws = request.getfixturevalue("aws")
    return aws.domains, aws.lists


@pytest.fixture
def domain(stores: tuple[DomainStore, WatchlistStore]) -> DomainRecord:
    return made(stores[0])


def made(domains: DomainStore) -> DomainRecord:
    record = a_domain(f"domain-{uuid.uuid4()}")
    domains.put_domain(record)
    return record


def vector(seed: int) -> FloatVector:
    drawn = np.random.default_rng(seed).standard_normal(192)
    return np.asarray(drawn / np.linalg.norm(drawn), np.float32)


def voice(entry: WatchlistEntry, seed: int) -> KnownVoice:
    evidence = Evidence(8.0, KIND[1], {KIND[1]: vector(seed)}, Quality(-20.0, 0.0, 30.0), SPACE)
    return KnownVoice(entry.name, (Voiceprint.of([evidence]),), entry.expires_at.timestamp())


def an_entry(
    domain: DomainRecord, fraudster: str = "mallory", watchlist: str = "known", change: int = 1
) -> WatchlistEntry:
    return WatchlistEntry(
        domain=domain.domain,
        watchlist=watchlist,
        fraudster=fraudster,
        legal_basis="lia-7",
        reason="case 12",
        author=None,
        created_at=NOW,
        updated_at=NOW,
        expires_at=UNTIL,
        speech_seconds=8.0,
        channels=(KIND[1],),
        change=change,
    )


def put(
    lists: WatchlistStore, domain: DomainRecord, fraudster: str, seed: int, watchlist: str = "known"
) -> WatchlistState:
    state = lists.state(domain)
    entry = an_entry(domain, fraudster, watchlist, state.change + 1)
    return lists.put(domain, state, entry, voice(entry, seed))


def known(lists: WatchlistStore, domain: DomainRecord, before: KnownVoices | None = None) -> KnownVoices:
    return lists.voices(domain, lists.state(domain), before)


def names(voices: KnownVoices) -> list[str]:
    return sorted(fraudster for matrix in voices.matrices.values() for _, fraudster in matrix.names)


def test_an_entry_is_read_as_it_was_written_and_counted_in_its_list(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]
    assert lists.state(domain) == WatchlistState()
    state = put(lists, domain, "mallory", 1)
    assert lists.entry(domain.domain, "known", "mallory") == an_entry(domain)
    assert lists.state(domain) == state
    assert (state.lists, state.change) == ({"known": 1}, 1)
    assert put(lists, domain, "mallory", 2).lists == {"known": 1}
    assert put(lists, domain, "oscar", 3, "others").lists == {"known": 1, "others": 1}
    assert lists.entry(domain.domain, "known", "oscar") is None


def test_the_state_comes_with_the_domain_of_a_decision(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    domains, lists = stores
    assert domains.find_with_brake(domain.domain, "ann")[0] == domain
    state = put(lists, domain, "mallory", 1)
    found = domains.find_with_brake(domain.domain, "ann", ["speaker#ann"])[0]
    assert found
    assert found.watchlists == state


def test_pages_are_in_order_of_names_and_of_one_list(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]
    for number, name in enumerate(["c", "a", "b"]):
        put(lists, domain, name, number)
    put(lists, domain, "z", 9, "others")
    first = lists.entries(domain.domain, "known", None, 2)
    assert ([each.fraudster for each in first.entries], first.after) == (["a", "b"], "b")
    last = lists.entries(domain.domain, "known", first.after, 2)
    assert ([each.fraudster for each in last.entries], last.after) == (["c"], None)


def test_voices_come_back_as_they_were_and_changes_alone_are_enough(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]
    put(lists, domain, "mallory", 1)
    put(lists, domain, "oscar", 2)
    before = known(lists, domain)
    assert names(before) == ["mallory", "oscar"]
    matrix = before.matrices[KIND]
    assert np.allclose(matrix.vectors[matrix.names.index(("known", "mallory"))], vector(1), atol=1e-6)
    assert list(matrix.expires) == [UNTIL.timestamp()] * 2
    put(lists, domain, "mallory", 3)
    entry = lists.entry(domain.domain, "known", "oscar")
    assert entry
    state = lists.remove(domain, lists.state(domain), entry)
    assert (state.lists, state.change) == ({"known": 1}, 4)
    for after in (known(lists, domain, before), known(lists, domain)):
        assert (names(after), after.version) == (["mallory"], 4)
        assert np.allclose(after.matrices[KIND].vectors, [vector(3)], atol=1e-6)


def test_who_read_another_state_is_refused(stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord) -> None:
    lists = stores[1]
    empty = lists.state(domain)
    put(lists, domain, "mallory", 1)
    entry = an_entry(domain, "oscar")
    with pytest.raises(VersionConflict):
        lists.put(domain, empty, entry, voice(entry, 2))
    first = lists.entry(domain.domain, "known", "mallory")
    assert first
    put(lists, domain, "oscar", 2)
    with pytest.raises(VersionConflict):
        lists.remove(domain, replace(lists.state(domain), change=1), first)
    assert lists.state(domain).lists == {"known": 2}


def test_writers_at_the_same_time_lose_nothing(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]

    def write(number: int) -> None:
        while True:
            try:
                put(lists, domain, f"f{number}", number)
            except VersionConflict:
                continue
            return

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    assert lists.state(domain).lists == {"known": 6}
    assert names(known(lists, domain)) == [f"f{number}" for number in range(6)]


def test_numbers_of_entries_are_corrected_over_the_state_that_was_read_only(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]
    state = put(lists, domain, "mallory", 1)
    lists.recount(domain, state, {"known": 7})
    assert lists.state(domain).lists == {"known": 7}
    assert names(known(lists, domain)) == ["mallory"]
    with pytest.raises(VersionConflict):
        lists.recount(domain, state, {})


def test_a_successor_of_a_domain_begins_without_lists(
    stores: tuple[DomainStore, WatchlistStore], domain: DomainRecord
) -> None:
    lists = stores[1]
    put(lists, domain, "mallory", 1)
    successor = replace(domain, created_at=domain.created_at + timedelta(days=1))
    assert lists.state(successor).count == 0
    assert names(known(lists, successor)) == []
    put(lists, successor, "oscar", 2)
    assert lists.state(successor).lists == {"known": 1}
    assert names(known(lists, successor)) == ["oscar"]


def test_packed_voices_are_read_instead_of_their_rows_and_replaced(aws: Aws) -> None:
    domain = made(aws.domains)
    for number in range(3):
        put(aws.lists, domain, f"f{number}", number)
    aws.lists.pack(domain, known(aws.lists, domain))
    first = aws.objects(domain.domain)
    assert len(first) == 1
    # They are read from there: their rows may be gone.
    table = Partitions(aws.dynamodb, aws.table)
    table.delete(WATCHLIST_PARTITION + domain.domain, "voice#")
    put(aws.lists, domain, "f3", 3)
    assert names(known(aws.lists, domain)) == ["f0", "f1", "f2", "f3"]
    aws.lists.pack(domain, known(aws.lists, domain))
    second = aws.objects(domain.domain)
    assert len(second) == 1
    assert second.keys() != first.keys()
    assert names(known(aws.lists, domain)) == ["f0", "f1", "f2", "f3"]


def test_what_says_of_a_removal_is_kept_until_voices_are_packed_without_the_removed(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "f0", 0)
    aws.lists.pack(domain, known(aws.lists, domain))
    outdated = known(aws.lists, domain)
    entry = aws.lists.entry(domain.domain, "known", "f0")
    assert entry
    state = aws.lists.remove(domain, aws.lists.state(domain), entry)
    assert state.is_outdated
    assert expiry_of_removal(aws, domain) > datetime.now(UTC) + LONGEST_KEPT
    aws.lists.pack(domain, outdated)
    assert names(known(aws.lists, domain)) == []
    aws.lists.pack(domain, known(aws.lists, domain))
    assert not aws.lists.state(domain).is_outdated
    assert expiry_of_removal(aws, domain) < datetime.now(UTC) + timedelta(3)


def expiry_of_removal(aws: Aws, domain: DomainRecord) -> datetime:
    found = next(each for each in aws.rows(domain.domain) if each["item"]["S"].startswith("voice#"))
    return datetime.fromtimestamp(int(found["expires_at"]["N"]), UTC)


def test_where_packed_voices_are_gone_the_rows_are_read(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "f0", 0)
    aws.lists.pack(domain, known(aws.lists, domain))
    for key in aws.objects(domain.domain):
        aws.s3.delete_object(Bucket=aws.bucket, Key=key)
    assert names(known(aws.lists, domain)) == ["f0"]
    # So many would take longer than a decision may.
    many = replace(aws.lists.state(domain), lists={"known": MOST_READ + 1})
    with pytest.raises(StoreUnavailable):
        aws.lists.voices(domain, many, None)


def test_who_packs_what_is_outdated_takes_nothing_away(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "f0", 0)
    outdated = known(aws.lists, domain)
    put(aws.lists, domain, "f1", 1)
    aws.lists.pack(domain, known(aws.lists, domain))
    aws.lists.pack(domain, outdated)
    assert len(aws.objects(domain.domain)) == 1
    assert names(known(aws.lists, domain)) == ["f0", "f1"]


def test_nothing_that_is_stored_can_be_compared_with_a_voice(aws: Aws) -> None:
    one, other = made(aws.domains), made(aws.domains)
    for domain in (one, other):
        put(aws.lists, domain, "mallory", 1)
        aws.lists.pack(domain, known(aws.lists, domain))
    plain = voice(an_entry(one), 1).voiceprints[0].templates[KIND[1]].total.tobytes()
    stolen = [*aws.objects(one.domain).values(), *(repr(each).encode() for each in aws.rows(one.domain))]
    assert all(plain[:16] not in each and vector(1).tobytes()[:16] not in each for each in stolen)
    assert not set(aws.objects(one.domain).values()) & set(aws.objects(other.domain).values())


def test_a_voice_opens_in_its_place_only(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "mallory", 1)
    put(aws.lists, domain, "oscar", 2)
    first, second = (each for each in aws.rows(domain.domain) if each["item"]["S"].startswith("voice#"))
    aws.dynamodb.put_item(TableName=aws.table, Item={**second, "voiceprints": first["voiceprints"]})
    with pytest.raises(StoreUnavailable):
        known(aws.lists, domain)


def test_without_the_key_of_the_domain_nothing_opens(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "mallory", 1)
    aws.dynamodb.delete_item(TableName=aws.keys_table, Key=domain_key_item(domain.domain))
    with pytest.raises(StoreUnavailable):
        known(aws.lists, domain)


def test_under_another_key_of_the_domain_all_voices_open_and_the_former_one_may_go(aws: Aws) -> None:
    domain = made(aws.domains)
    put(aws.lists, domain, "mallory", 1)
    aws.lists.pack(domain, known(aws.lists, domain))
    put(aws.lists, domain, "oscar", 2)
    renewal, keys = aws.renewal
    keys.add(domain.domain)
    assert renewal.former(domain) == 3
    assert names(known(aws.lists, domain)) == ["mallory", "oscar"]
    assert renewal.renew(domain) == 2
    assert (renewal.former(domain), len(aws.objects(domain.domain))) == (0, 1)
    keys.retire(domain.domain)
    found = known(aws.lists, domain)
    assert names(found) == ["mallory", "oscar"]
    matrix = found.matrices[KIND]
    assert np.allclose(matrix.vectors[matrix.names.index(("known", "oscar"))], vector(2), atol=1e-6)


def test_a_deleted_domain_keeps_no_lists(aws: Aws) -> None:
    domain, other = made(aws.domains), made(aws.domains)
    for each in (domain, other):
        put(aws.lists, each, "mallory", 1)
        aws.lists.pack(each, known(aws.lists, each))
    subject = a_subject(domain)
    erasing = RowsOfDomain("watchlists", Partitions(aws.dynamodb, aws.table), WATCHLIST_PARTITION.__add__, written_at)
    assert erasing.erase(replace(subject, followed=True), "").erased == 3
    ObjectErasing("watchlist_voices", aws.s3, aws.bucket, "watchlists/", of_speakers=False).erase(subject, "")
    assert (aws.rows(domain.domain), aws.objects(domain.domain)) == ([], {})
    assert names(known(aws.lists, other)) == ["mallory"]


def a_subject(domain: DomainRecord, speaker: str | None = None) -> ErasureSubject:
    kind, later = (
        ErasureKind.SPEAKER_DELETED if speaker else ErasureKind.DOMAIN_DELETED,
        datetime.now(UTC) + timedelta(1),
    )
    keep = ErasedDecisions.KEEP
    return ErasureSubject(kind, domain.domain, speaker, later, later, None, None, keep, followed=False)


@pytest.mark.parametrize("where", ["memory", "aws"])
def test_a_report_is_of_its_domain_and_replaced_by_the_next(request: pytest.FixtureRequest, where: str) -> None:
    aws: Aws | None = request.getfixturevalue("aws") if where == "aws" else None
    store = DynamoDoubleEnrollmentStore(aws.dynamodb, aws.table) if aws else MemoryDoubleEnrollmentStore()
    domain = a_domain(f"domain-{uuid.uuid4()}")
    assert store.report(domain) is None
    pairs = (DoubleEnrollmentPair(("ann", "bob"), 0.1), DoubleEnrollmentPair(("cid", "dan"), 0.2))
    report = DoubleEnrollmentReport(domain.domain, domain.created_at, NOW, pairs, 4, complete=True)
    store.put_report(report)
    assert store.report(domain) == report
    assert store.report(replace(domain, created_at=NOW + timedelta(1))) is None
    store.put_report(replace(report, at=NOW - timedelta(1), pairs=()))
    assert store.report(domain) == report
    assert store.take_out(domain.domain, "dan") == 1
    assert store.report(domain) == report.without("dan")
    store.put_report(report)
    if isinstance(store, DynamoDoubleEnrollmentStore):
        erasing = DoubleEnrollmentErasing(store)
        assert erasing.erase(a_subject(domain, "bob"), "").erased == 1
        assert erasing.erase(a_subject(domain, "bob"), "").erased == 0
        assert store.report(domain) == report.without("bob")
