"""Stages as jobs: what they download, what they skip, and what they leave behind."""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops.training import content as contents
from ops.training.content import Content, ContentError, ContentStore
from ops.training.job import StageJob
from ops.training.run import TrainingRun
from tests.local.cloud.workflow.graphs import BUCKET, STEPS, small_graph
from training.pipeline.errors import PipelineError
from training.pipeline.fingerprint import DigestCache
from training.pipeline.progress import ProgressView
from training.pipeline.runner import PipelineRunner

PYTHONS = {"product": Path(sys.executable)}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def start(s3: Any, tmp_path: Path) -> Any:
    """Starts a run of the small graph."""

    def started(name: str, text: str = "bonafide") -> TrainingRun:
        (tmp_path / "given.txt").write_text(text)
        run = TrainingRun(s3, BUCKET, name, small_graph(tmp_path))
        run.put_sources(tmp_path)
        return run

    return started


def image(folder: Path) -> Path:
    """A folder with the code of the stages, and nothing else."""
    (folder / "training").mkdir(parents=True)
    (folder / "training/steps.py").write_text(STEPS)
    return folder


def perform(run: TrainingRun, root: Path, name: str, shard: int | None = None) -> None:
    StageJob(run, root, PYTHONS, None, None).perform(name, shard)


def everything(run: TrainingRun, root: Path) -> None:
    """Runs every stage in a folder of its own."""
    for name, stage in run.graph.stages.items():
        for shard in range(stage.shards) if stage.shards else [None]:
            perform(run, image(root / f"{name}{shard}"), name, shard)


def test_a_content_is_read_back_as_it_was(s3: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ("b-c/x.txt", "b/y z.txt", "b.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    store = ContentStore(s3, BUCKET)
    content = store.put(folder)
    assert content == Content(DigestCache(tmp_path / "none").of(folder), folder=True)
    store.get(Content.parse(str(content)), tmp_path / "copy")
    assert store.put(tmp_path / "copy") == content
    assert store.within(content, "b.txt") == store.put(folder / "b.txt")
    assert store.within(content, "b") == store.put(folder / "b")
    assert store.joined({"b": store.put(folder / "b"), "b.txt": store.put(folder / "b.txt")}) == store.put(
        _without(folder, "b-c")
    )
    with pytest.raises(ContentError, match="there is no c"):
        store.within(content, "c")


def _without(folder: Path, name: str) -> Path:
    shutil.rmtree(folder / name)
    return folder


def test_a_changed_or_missing_content_is_refused(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    store = ContentStore(s3, BUCKET)
    content = store.put(tmp_path / "a")
    s3.put_object(Bucket=BUCKET, Key=f"content/{content.digest}", Body=b"b")
    with pytest.raises(ContentError, match="was changed in the store"):
        store.get(content, tmp_path / "b")
    assert not (tmp_path / "b").exists()
    s3.delete_object(Bucket=BUCKET, Key=f"content/{content.digest}")
    with pytest.raises(ContentError, match="is not stored"):
        store.get(content, tmp_path / "b")


def test_content_is_written_again_before_it_expires(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    store, writes = ContentStore(s3, BUCKET), list[str]()
    s3.meta.events.register("before-call.s3.PutObject", lambda **_: writes.append("put"))
    store.put(tmp_path / "a")
    store.put(tmp_path / "a")
    assert len(writes) == 1
    monkeypatch.setattr(contents, "FRESH_DAYS", -1)
    store.put(tmp_path / "a")
    assert len(writes) == 2


def test_jobs_make_what_the_local_run_makes(start: Any, tmp_path: Path) -> None:
    run = start("one")
    here = image(tmp_path / "here")
    shutil.copy(tmp_path / "given.txt", here)
    PipelineRunner(run.graph, here, PYTHONS, ProgressView()).run(list(run.graph.stages))
    everything(run, tmp_path / "jobs")
    bundle = ".build/training/tiny/candidate/bundle"
    assert (here / bundle / "all.txt").read_text() == "BONAFIDEadfnbeio"
    assert run.outputs_of(bundle)[bundle] == run.content.put(here / bundle)


def test_a_job_downloads_exactly_what_its_stage_declares(
    start: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = start("one")
    perform(run, image(tmp_path / "letters"), "letters")
    capsys.readouterr()
    perform(run, image(tmp_path / "parts"), "parts", 0)
    inputs = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("input ")]
    assert inputs == [".build/training/tiny/letters/sorted.txt"]
    assert not (tmp_path / "parts/given.txt").exists()


def test_another_run_skips_what_is_done_and_makes_what_depends_on_a_change(
    start: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything(start("one"), tmp_path / "1")
    capsys.readouterr()
    everything(start("two"), tmp_path / "2")
    assert capsys.readouterr().out.split("\n")[:-1] == [
        f"{name}: unchanged" for name in ("upper", "letters", "parts", "parts", "candidate")
    ]
    perform(start("three", "BONAFIDE"), image(tmp_path / "3"), "upper")
    assert "unchanged" not in capsys.readouterr().out


def test_a_record_that_is_too_old_does_not_count(s3: Any, start: Any, tmp_path: Path) -> None:
    run = start("one")
    perform(run, image(tmp_path / "1"), "upper")
    assert contents.is_fresh(datetime.now(UTC) - timedelta(days=29))
    assert not contents.is_fresh(datetime.now(UTC) - timedelta(days=31))
    assert contents.KEPT_DAYS - 2 * contents.FRESH_DAYS >= 30


def test_the_first_of_two_records_counts(start: Any) -> None:
    run = start("one")
    stage = run.graph.stages["upper"]
    first, second = ({"out": Content(digit * 64, folder=False)} for digit in "12")
    assert run.keep(stage, "key", first) == first
    assert run.keep(stage, "key", second) == first
    assert run.made(stage, "key") == first


def test_a_job_whose_input_no_stage_of_the_run_made_says_so(start: Any, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="letters has not finished in the run one"):
        perform(start("one"), image(tmp_path / "1"), "parts", 0)


def test_a_failed_command_leaves_no_record(start: Any, tmp_path: Path) -> None:
    run, root = start("one"), image(tmp_path / "1")
    (root / "training/steps.py").write_text("raise SystemExit('no letters')")
    with pytest.raises(PipelineError, match="no letters"):
        perform(run, root, "letters")
    with pytest.raises(PipelineError, match="letters has not finished"):
        run.inputs(run.graph.stages["parts"])
