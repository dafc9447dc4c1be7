"""A model version's way from a folder to champion and back, by the command line against the deployed template."""

import json
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from bonafide.records.promotion import AliasesRecord, RegistryAction, RegistryEntry
from bonafide_client import Client, ProblemError
from local.runner import Deployment
from ops.registry.__main__ import main
from ops.registry.artifact import TamperedFileError
from ops.registry.client import ModelRegistry
from tests.api.parts import Api
from tests.services.models.parts import Candidate

type Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def registry(api: Api, capsys: pytest.CaptureFixture[str]) -> Command:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["--endpoint", api.endpoint, *arguments])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def heard(bonafide: Deployment) -> Callable[[], list[dict[str, Any]]]:
    """Reads the details of the events that the bus delivered since, without the number of the promotion."""
    bus, queues = bonafide.emulator.client("events"), bonafide.emulator.client("sqs")
    url = queues.create_queue(QueueName="promotions")["QueueUrl"]
    queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["bonafide.models"], "detail-type": ["Model promotion requested"]}
    bus.put_rule(Name="promotions", EventPattern=json.dumps(pattern))
    bus.put_targets(Rule="promotions", Targets=[{"Id": "queue", "Arn": queue}])

    def read() -> list[dict[str, Any]]:
        messages: list[Any] = []
        while found := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            messages += found
            for message in found:
                queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        details = [json.loads(message["Body"])["detail"] for message in messages]
        assert [detail.pop("stage") for detail in details] == ["dev"] * len(details)
        numbers = [int(detail.pop("promotion")) for detail in details]
        assert numbers == sorted(numbers)
        return details

    return read


def written(candidate: Candidate, folder: Path) -> Path:
    """Writes a candidate as training leaves it."""
    for name, content in candidate.contents.items():
        part = "documents" if name in candidate.documents else "bundle"
        path = folder / candidate.name / part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / candidate.name


def done(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, err) == (0, "")
    return out


def succeed(registry: Command, shown: str, release: str) -> str:
    id_ = shown.split()[1].rstrip(":")
    return done(registry("complete", id_, "--succeeded", "--release", release, "--detail", "all functions serve it"))


def register(registry: Command, folder: Path, *candidates: Candidate) -> None:
    """Registers candidates, each twice, of which the second time changes nothing."""
    for candidate in candidates:
        place = str(written(candidate, folder))
        assert done(registry("register", place, "--reason", "trained")) == f"registered {candidate.digest}\n"
        done(registry("register", place, "--reason", "trained again"))


def test_a_version_is_registered_promoted_and_rolled_back_and_each_step_is_in_the_history(
    registry: Command, heard: Callable[[], list[dict[str, Any]]], tmp_path: Path
) -> None:
    first, bad = Candidate("first"), Candidate("bad", failed=("eer",))
    second = Candidate("second", champion=first.digest)
    register(registry, tmp_path, first, second, bad)
    listed = done(registry("list"))
    assert [digest[:12] in listed for digest in (first.digest, second.digest, bad.digest)] == [True] * 3
    assert "NOT PASSED" in listed

    succeed(registry, done(registry("promote", first.digest[:8], "--reason", "the first")), "r1")
    done(registry("challenge", second.digest, "--reason", "shadow it"))
    assert done(registry("aliases")).split()[:4] == ["champion", first.digest, "challenger", second.digest]
    asked = done(registry("promote", "challenger", "--reason", "better on telephones"))
    assert "PENDING" in asked
    code, out, err = registry("rollback", "--reason", "too early")
    assert (code, out) == (1, "")
    assert err.startswith("promotion_pending: ")
    succeed(registry, asked, "r2")

    code, _, err = registry("promote", bad.digest, "--reason", "let me")
    assert code == 1
    assert err.splitlines()[0].startswith("gates_not_passed: 1 of 2 gates did not pass: eer is at most 0.05")
    assert err.splitlines()[1] == "  eer (telephone): limit 0.05, found 0.07"

    succeed(registry, done(registry("rollback", "--reason", "callers are rejected")), "r3")
    aliases = json.loads(done(registry("--json", "aliases")))
    assert (aliases["champion"], aliases["challenger"], aliases["previous"]) == (first.digest, None, None)
    history = json.loads(done(registry("--json", "history", "--limit", "100")))
    own = {first.digest, second.digest, bad.digest}
    assert [entry["action"] for entry in reversed(history) if entry["digest"] in own] == [
        *["REGISTERED"] * 3,
        *("PROMOTION_REQUESTED", "PROMOTED", "CHALLENGED", "PROMOTION_REQUESTED", "PROMOTED"),
        *("ROLLBACK_REQUESTED", "ROLLED_BACK"),
    ]
    assert f"champion is {first.digest[:12]} again, was {second.digest[:12]}" in done(registry("history"))
    assert second.digest[:12] in done(registry("compare", first.digest, second.digest))
    assert heard() == [
        {"kind": "promote", "digest": first.digest, "former": None},
        {"kind": "promote", "digest": second.digest, "former": first.digest},
        {"kind": "rollback", "digest": first.digest, "former": second.digest},
    ]


def test_every_byte_of_a_version_is_checked_and_a_tampered_file_is_named(
    registry: Command, api: Api, bonafide: Deployment, tmp_path: Path
) -> None:
    candidate = Candidate("checked")
    folder = written(candidate, tmp_path)
    done(registry("register", str(folder), "--reason", "trained"))
    assert {line.split()[0] for line in done(registry("verify", candidate.digest)).splitlines()} == {"ok"}
    done(registry("download", candidate.digest, str(tmp_path / "copy")))
    assert (tmp_path / "copy/speaker.onnx").read_bytes() == candidate.files["speaker.onnx"]

    (tmp_path / "copy/speaker.onnx").write_bytes(b"tampered")
    code, out, _ = registry("verify", candidate.digest, "--folder", str(tmp_path / "copy"))
    assert code == 3
    assert [line.split()[:2] for line in out.splitlines() if line[:2] != "ok"] == [["TAMPERED", "speaker.onnx:"]]

    # Another object over the key changes nothing, since the registry names the version of the object.
    s3 = bonafide.emulator.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if "modelfiles" in each["Name"]]
    s3.put_object(Bucket=bucket, Key=f"models/{candidate.digest}/speaker.onnx", Body=b"tampered")
    assert registry("verify", candidate.digest)[0] == 0
    with Client(api.endpoint) as client:
        tampering = Tampering(client)
        with pytest.raises(TamperedFileError, match=r"speaker\.onnx"):
            tampering.download(candidate.digest, tmp_path / "never")
    assert not (tmp_path / "never/speaker.onnx").exists()


class Tampering(ModelRegistry):
    """A registry between which and its store somebody changes bytes."""

    def content(self, file: dict[str, Any]) -> Any:
        parts = b"".join(super().content(file))
        return iter([parts if file["name"] != "speaker.onnx" else parts[:-1] + b"!"])


def test_an_upload_that_was_cut_off_is_no_version_and_goes_on_where_it_was(
    registry: Command, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = Candidate("cut off")
    bundle = written(candidate, tmp_path)
    with Client(api.endpoint) as client:
        partial = ModelRegistry(client)
        offer = client.send("POST", "/v1/models", offered(candidate))
        assert len(offer["uploads"]) == len(candidate.contents)
        first = offer["uploads"][0]
        put = urllib.request.Request(first["url"], candidate.contents[first["name"]], first["headers"], method="PUT")
        with urllib.request.urlopen(put, timeout=10) as answer:
            assert answer.status == 200
        code, _, err = registry("show", candidate.digest)
        assert (code, err.partition(":")[0]) == (1, "model_version_not_found")
        refused = api.call("POST", f"/v1/models/{candidate.digest}/registration", {"reason": "too early"})
        assert (refused.status, refused.document["code"]) == (409, "model_upload_missing")
        assert len(client.send("POST", "/v1/models", offered(candidate))["uploads"]) == len(candidate.contents) - 1
        documents = sorted((bundle / "documents").iterdir())
        assert partial.register(bundle / "bundle", documents, "whole") == candidate.digest
        assert partial.version(candidate.digest)["status"] == "READY"


def test_sixteen_clients_promote_and_roll_back_at_once_and_every_reader_sees_a_champion_of_the_one_history(
    registry: Command, api: Api, tmp_path: Path
) -> None:
    candidates = [Candidate(f"racer {number}") for number in range(4)]
    register(registry, tmp_path, *candidates)
    begin(registry, candidates[0])
    with ExitStack() as opened:
        clients = [ModelRegistry(opened.enter_context(Client(api.endpoint))) for _ in range(18)]
        *people, pipeline, reader = clients
        asked = [
            partial(each.promote, candidates[number % 4].digest, "race", "raced")
            if number < 8
            else partial(each.rollback, "race")
            for number, each in enumerate(people)
        ]
        with ThreadPoolExecutor(1) as beside:
            over = threading.Event()
            reading = beside.submit(read_until, over, reader)
            for round_ in range(4):
                codes = at_once(asked)
                assert codes.count(None) == 1
                assert set(codes) <= {None, "promotion_pending", "model_already_champion", "rollback_unavailable"}
                pending = reader.aliases()["pending"]["id"]
                report = partial(pipeline.complete, pending, round_ != 2, f"r{round_}", "race")
                assert at_once([report, report]) == [None, None]
            over.set()
        history = [entry_of(each) for each in reader.history()][::-1]
        ready = {each["digest"] for each in reader.versions() if each["status"] == "READY"}
        last = reader.aliases()
    assert [each.sequence for each in history] == list(range(1, len(history) + 1))
    moments = {each.sequence: each for each in accumulate(history, AliasesRecord.after, initial=AliasesRecord())}
    seen = [*reading.result(), last]
    assert len(seen) >= 4
    for each in seen:
        then = moments[each["sequence"]]
        assert (each["champion"], each["previous"]) == (then.champion, then.previous)
        assert each["champion"] in ready
    assert (last["sequence"], last["pending"]) == (len(history), None)


def begin(registry: Command, candidate: Candidate) -> None:
    """Makes a candidate champion, whoever was before."""
    why = ("--reason", "a champion to begin with", "--override", "compared with none")
    succeed(registry, done(registry("promote", candidate.digest, *why)), "r0")


def read_until(over: threading.Event, reader: ModelRegistry) -> list[dict[str, Any]]:
    """Reads the aliases again and again; returns all that was seen."""
    seen = []
    while not over.is_set():
        seen.append(reader.aliases())
    return seen


def at_once(acts: Sequence[Callable[[], object]]) -> list[str | None]:
    """Lets all begin together; returns the code that each was refused with."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str | None:
        barrier.wait()
        try:
            act()
        except ProblemError as error:
            return error.code
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def entry_of(shown: Mapping[str, Any]) -> RegistryEntry:
    """An entry of the history, as the API shows it."""
    action, at = RegistryAction(shown["action"]), datetime.fromisoformat(shown["at"])
    return RegistryEntry(shown["sequence"], action, at, shown["digest"], shown["reason"])


def offered(candidate: Candidate) -> dict[str, Any]:
    documents = [{"name": file.name, "sha256": file.sha256, "bytes": file.size} for file in candidate.kept]
    files = [{"name": name, "bytes": size} for name, size in candidate.sizes.items()]
    return {"manifest": candidate.text, "files": files, "documents": documents}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/models", {"manifest": "{}", "files": []}, 400, "manifest_invalid"),
        ("GET", "/v1/models/abc", None, 400, "request_invalid"),
        ("GET", f"/v1/models/{'0' * 64}", None, 404, "model_version_not_found"),
        ("GET", f"/v1/models/{'0' * 64}/files", None, 404, "model_version_not_found"),
        ("POST", f"/v1/models/{'0' * 64}/registration", {"reason": "why"}, 404, "model_version_not_found"),
        ("GET", "/v1/promotions/999999", None, 404, "promotion_not_found"),
        ("GET", "/v1/promotions?cursor=eA==", None, 400, "cursor_invalid"),
        ("POST", "/v1/promotions", {"kind": "promote", "reason": "why"}, 400, "request_invalid"),
        (
            "POST",
            "/v1/promotions",
            {"kind": "challenge", "digest": "0" * 64, "reason": "why", "override": "why"},
            400,
            "request_invalid",
        ),
        (
            "POST",
            "/v1/promotions",
            {"kind": "promote", "digest": "0" * 64, "reason": "why", "override": "why"},
            404,
            "model_version_not_found",
        ),
    ],
)
def test_what_the_registry_refuses_has_a_code(
    api: Api, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer = api.call(method, path, body)
    assert (answer.status, answer.document["code"]) == (status, code)
