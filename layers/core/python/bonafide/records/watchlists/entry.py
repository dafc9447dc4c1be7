"""Entries of watchlists, their state in a domain, and what a decision keeps of a match."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from bonafide.biometrics.evidence import Channel
from bonafide.biometrics.watchlists.voices import VoiceMatch, VoiceName
from bonafide.records import Stored, StoredForm, known

SCHEMA = 1
LONGEST_KEPT = timedelta(days=1095)


@dataclass(frozen=True, slots=True)
class WatchlistEntry:
    """One known fraudster on a list, without anything biometric.

    Attributes:
        domain: of the list.
        watchlist: name of the list.
        fraudster: name of the fraudster in it.
        legal_basis: the domain's reference to the law that allows to keep the voice.
        reason: why the fraudster is on the list.
        author: verified identity of who registered; None where requests are not signed.
        created_at: when the name was registered first.
        updated_at: when this voice was.
        expires_at: from then on the voice is not searched; it is deleted within a day.
        speech_seconds: net speech behind the voice.
        channels: bands that it was recorded in.
        session: where the voice is from; None for a recording.
        content: digest of all that was asked for: the same request again changes nothing.
        change: number of the change that wrote it.
    """

    domain: str
    watchlist: str
    fraudster: str
    legal_basis: str
    reason: str
    author: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    speech_seconds: float
    channels: tuple[Channel, ...]
    session: str | None = None
    content: str = ""
    change: int = 0

    @property
    def name(self) -> VoiceName:
        """Names the voice within its domain."""
        return self.watchlist, self.fraudster

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        times = {name: getattr(self, name).isoformat() for name in ("created_at", "updated_at", "expires_at")}
        return {"schema": SCHEMA, **asdict(self), **times, "channels": [str(each) for each in self.channels]}

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        times = {n: datetime.fromisoformat(document[n]) for n in ("created_at", "updated_at", "expires_at")}
        channels = tuple(Channel(each) for each in document["channels"])
        return cls(**{**known(cls, document), **times, "channels": channels})


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of a list.

    Attributes:
        entries: in the order of their names.
        after: name behind which the next page begins; None on the last one.
    """

    entries: Sequence[WatchlistEntry]
    after: str | None


@dataclass(frozen=True, slots=True)
class PackedVoices:
    """Voices of a domain that were written together, so that they are read at once.

    Attributes:
        change: number of the last change that they include.
        blocks: how many objects they are.
        key: name of the domain's key that they are encrypted under.
        name: of the objects, apart from those of any other time.
    """

    change: int
    blocks: int
    key: str
    name: str

    def to_document(self) -> StoredForm:
        """Returns the stored form."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Stored) -> Self:
        """Reads a stored form."""
        return cls(**known(cls, document))


@dataclass(frozen=True, slots=True)
class WatchlistState:
    """All watchlists of a domain, in short: it is read with each decision.

    Attributes:
        since: when the domain was created that they belong to; None where nobody was ever registered.
        change: number of the last change; 0 where there was none.
        base: number of the last change of a predecessor of the domain, which does not count.
        lists: number of entries in each list that has any.
        packed: voices as they were packed last.
        taken: number of the last change that took a voice away, or another one's place; 0 where none did.
    """

    since: datetime | None = None
    change: int = 0
    base: int = 0
    lists: Mapping[str, int] = field(default_factory=dict)
    packed: PackedVoices | None = None
    taken: int = 0

    @property
    def count(self) -> int:
        """Number of entries in all lists."""
        return sum(self.lists.values())

    @property
    def is_outdated(self) -> bool:
        """True if a voice was taken away since voices were packed: a pack may still have it."""
        return self.taken > (self.packed.change if self.packed else self.base)

    def of_domain(self, created_at: datetime) -> Self:
        """Returns the state as far as it is of this domain, and not of one that had its name before."""
        if self.since in {None, created_at}:
            return self
        return type(self)(None, self.change, self.change)

    def next(self, created_at: datetime, watchlist: str, difference: int) -> Self:
        """Returns the state after a change, by which a list has so many entries more or fewer."""
        lists = {**self.lists, watchlist: self.lists.get(watchlist, 0) + difference}
        left = {name: count for name, count in lists.items() if count > 0}
        change = self.change + 1
        taken = self.taken if difference > 0 else change
        return replace(self, since=created_at, change=change, lists=left, taken=taken)

    def to_document(self) -> StoredForm:
        """Returns the stored form, without what is packed, which is stored beside it."""
        since = self.since.isoformat() if self.since else None
        return {
            "schema": SCHEMA,
            "since": since,
            "change": self.change,
            "base": self.base,
            "lists": dict(self.lists),
            "taken": self.taken,
        }

    @classmethod
    def from_document(cls, document: Stored, packed: PackedVoices | None) -> Self:
        """Reads a stored form, with what is packed beside it."""
        since = datetime.fromisoformat(document["since"]) if document["since"] else None
        return cls(since, document["change"], document["base"], document["lists"], packed, document.get("taken", 0))


def written_match(match: VoiceMatch) -> StoredForm:
    """Returns the stored form of a match."""
    watchlist, fraudster = match.name
    return {**asdict(match), "name": None, "watchlist": watchlist, "fraudster": fraudster}


def read_match(document: Stored) -> VoiceMatch:
    """Reads the stored form of a match."""
    name = document["watchlist"], document["fraudster"]
    return VoiceMatch(**{**known(VoiceMatch, document), "name": name})
