"""A version is registered whole or not at all, and never changes."""

from typing import Any

import pytest

from bonafide.errors import BonafideError, Conflict, InvalidInput, NotFound
from bonafide.ports.stores import VersionConflict
from bonafide.records.model import VersionStatus
from bonafide.records.promotion import RegistryAction
from tests.services.models.parts import ENGINEER, NOW, Candidate, Registry, sha256


class Killed(BaseException):
    """The function is no more; nothing may catch it."""


def refusal(kind: type[BonafideError], call: Any, *arguments: Any) -> BonafideError:
    with pytest.raises(kind) as raised:
        call(*arguments)
    return raised.value


def offer(registry: Registry, candidate: Candidate, **other: Any) -> Any:
    given = {"manifest": candidate.text, "sizes": candidate.sizes, "documents": candidate.kept} | other
    return registry.versions.offer(**given)


def test_what_was_uploaded_becomes_a_version_with_its_place_in_the_history() -> None:
    registry, candidate = Registry(), Candidate()
    record = registry.register(candidate)
    assert (record.status, record.digest, record.registered_by) == (
        VersionStatus.READY,
        candidate.digest,
        ENGINEER.principal,
    )
    assert {file.name: file.sha256 for file in record.files} == {
        name: sha256(content) for name, content in candidate.contents.items()
    }
    (entry,) = registry.store.history(None, 10)
    assert (entry.sequence, entry.action, entry.at, entry.digest, entry.reason) == (
        1,
        RegistryAction.REGISTERED,
        NOW,
        candidate.digest,
        "new",
    )
    assert record.gates
    assert record.gates.passed


def test_an_offer_is_no_version() -> None:
    registry, candidate = Registry(), Candidate()
    offer(registry, candidate)
    assert registry.versions.list(None, 10) == []
    assert refusal(NotFound, registry.versions.get, candidate.digest).code == "model_version_not_found"
    assert registry.store.history(None, 10) == []


def test_a_file_that_is_missing_is_named() -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)
    del registry.files.objects[f"models/{candidate.digest}/speaker.onnx"]
    error = refusal(Conflict, registry.versions.register, candidate.digest, "new", None)
    assert (error.code, error.subject) == ("model_upload_missing", "speaker.onnx")
    assert registry.files.pending


@pytest.mark.parametrize("name", ["manifest.json", "speaker.onnx", "data.csv", "gates.json"])
def test_a_file_with_another_byte_is_named_by_both_digests(name: str) -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)
    key = f"models/{candidate.digest}/{name}"
    registry.files.objects[key] = registry.files.objects[key][:-1] + b"!"
    error = refusal(Conflict, registry.versions.register, candidate.digest, "new", None)
    assert (error.code, error.subject) == ("model_upload_different", name)
    assert sha256(candidate.contents[name]) in str(error.limit)
    assert sha256(registry.files.objects[key]) in str(error.found)
    assert registry.versions.list(None, 10) == []


def test_only_what_is_missing_is_uploaded_again() -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)
    assert offer(registry, candidate)[1] == {}
    del registry.files.objects[f"models/{candidate.digest}/data.csv"]
    assert set(offer(registry, candidate)[1]) == {"data.csv"}


def test_a_registered_version_is_not_uploaded_and_not_registered_again() -> None:
    registry, candidate = Registry(), Candidate()
    record = registry.register(candidate)
    assert offer(registry, candidate) == (record, {})
    assert registry.versions.register(candidate.digest, "again", None) == record
    assert len(registry.store.history(None, 10)) == 1


def test_the_documents_of_a_registered_version_are_fixed() -> None:
    registry, candidate = Registry(), Candidate()
    registry.register(candidate)
    kept = [file for file in candidate.kept if file.name != "gates.json"]
    with pytest.raises(Conflict, match="model_version_registered") as raised:
        offer(registry, candidate, documents=kept)
    assert raised.value.found == "gates.json"


@pytest.mark.parametrize("where", ["stored", "read", "keep", "append"])
def test_a_registration_that_dies_anywhere_leaves_no_version_and_is_finished_by_the_next(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)

    def die(*_: object) -> None:
        monkeypatch.undo()
        raise Killed

    monkeypatch.setattr(registry.store if where == "append" else registry.files, where, die)
    with pytest.raises(Killed):
        registry.versions.register(candidate.digest, "new", None)
    assert registry.versions.list(None, 10) == []
    assert registry.store.history(None, 10) == []
    assert registry.versions.register(candidate.digest, "new", None).is_ready
    assert registry.files.pending == set()


def test_an_offer_with_other_documents_stops_the_registration_of_the_former_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)
    keep = registry.files.keep

    def offered_meanwhile(*arguments: Any) -> None:
        keep(*arguments)
        monkeypatch.undo()
        offer(registry, candidate, documents=[])

    monkeypatch.setattr(registry.files, "keep", offered_meanwhile)
    record = registry.versions.register(candidate.digest, "new", None)
    assert [file.name for file in record.files if file.document] == []
    assert registry.store.version(candidate.digest) == record


def test_an_unknown_version_cannot_be_registered() -> None:
    error = refusal(NotFound, Registry().versions.register, "0" * 64, "new", None)
    assert error.code == "model_version_not_found"


def test_a_report_of_other_gates_is_refused() -> None:
    registry, candidate, other = Registry(), Candidate("a"), Candidate("b")
    kept = [file for file in other.kept if file.name == "gates.json"]
    _, targets = offer(registry, candidate, documents=kept)
    for name in targets:
        content = other.documents[name] if name == "gates.json" else candidate.contents[name]
        registry.files.put(f"models/{candidate.digest}/{name}", content)
    error = refusal(InvalidInput, registry.versions.register, candidate.digest, "new", None)
    assert error.code == "gates_invalid"


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"schema": 2}, "manifest_invalid"),
        ({"contract": 2}, "model_contract_not_served"),
        ({"contract": "1"}, "model_contract_not_served"),
        ({"contract": True}, "model_contract_not_served"),
        ({"contract": [1]}, "model_contract_not_served"),
        ({"embedding_space": None}, "manifest_invalid"),
        ({"files": {}}, "manifest_invalid"),
        ({"files": {"../speaker.onnx": "0" * 64}}, "manifest_invalid"),
        ({"files": {"manifest.json": "0" * 64}}, "manifest_invalid"),
        ({"files": {"speaker.onnx": "0"}}, "manifest_invalid"),
        ({"metrics": {"eer": float("nan")}}, "manifest_invalid"),
        ({"lineage": {"data": "0" * 64}}, "model_files_differ"),
    ],
)
def test_a_manifest_that_cannot_be_served_is_refused(manifest: dict[str, Any], code: str) -> None:
    assert refusal(InvalidInput, offer, Registry(), Candidate(manifest=manifest)).code == code


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"manifest"'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="manifest_invalid"):
        offer(Registry(), Candidate(), manifest=text)


def test_sizes_have_to_be_those_of_the_listed_files() -> None:
    registry, candidate = Registry(), Candidate()
    with pytest.raises(InvalidInput, match="model_files_differ"):
        offer(registry, candidate, sizes={"speaker.onnx": 1})


def test_a_document_has_a_name_of_its_own() -> None:
    candidate = Candidate()
    twice = [*candidate.kept, candidate.kept[0]]
    with pytest.raises(InvalidInput, match="model_files_differ"):
        offer(Registry(), candidate, documents=twice)


def test_a_registration_that_is_always_overtaken_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, candidate = Registry(), Candidate()
    registry.upload(candidate)

    def overtaken(*_: object) -> None:
        raise VersionConflict

    monkeypatch.setattr("bonafide.services.shared.retries.time.sleep", lambda _: None)
    monkeypatch.setattr(registry.store, "append", overtaken)
    with pytest.raises(BonafideError, match="store_unavailable"):
        registry.versions.register(candidate.digest, "new", None)
