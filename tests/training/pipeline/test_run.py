"""Runs of a tiny graph of real commands."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.pipeline.drawing import mermaid
from training.pipeline.errors import PipelineError
from training.pipeline.graph import PipelineGraph
from training.pipeline.progress import ProgressView, duration, table
from training.pipeline.runner import PipelineRunner
from training.pipeline.state import PipelineState, StageState

ROOT = Path(__file__).parents[3]
STAGES = """
sources: {given.txt: the text to begin with, other.txt: another text}
stages:
  - name: upper
    does: change to capitals
    environment: product
    command: python -m steps.upper {inputs.text} {outputs.text}
    inputs: {text: given.txt}
    outputs: {text: made/upper.txt}
  - name: count
    does: count the letters
    environment: product
    command: python -m steps.count {inputs.text} {outputs.folder}
    inputs: {text: made/upper.txt}
    outputs: {folder: made/count}
  - name: copy
    does: copy the other text
    environment: product
    command: cp {inputs.text} {outputs.text}
    inputs: {text: other.txt}
    outputs: {text: made/copy.txt}
  - name: join
    does: join everything
    environment: product
    command: sh -c 'cat "$1" "$2" > "$3"' join {inputs.count}/count.txt {inputs.copy} {outputs.text}
    inputs: {count: made/count, copy: made/copy.txt}
    outputs: {text: made/join.txt}
"""
UPPER = '''"""Changes a text to capitals."""
import sys
from pathlib import Path
from steps.words import changed
Path(sys.argv[2]).write_text(changed(Path(sys.argv[1]).read_text()))
'''
WORDS = '''def changed(text):
    """Returns capitals."""
    return text.upper()
'''
COUNT = """import sys
import time
from pathlib import Path
out = Path(sys.argv[2])
out.mkdir(exist_ok=True)
(out / "begun.txt").write_text("begun")
while Path("hold").exists():
    time.sleep(0.02)
(out / "count.txt").write_text(f"{len(Path(sys.argv[1]).read_text())} letters; ")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"stages.yaml": STAGES, "given.txt": "abc", "other.txt": "other", "steps/upper.py": UPPER}
    for name, content in {**files, "steps/words.py": WORDS, "steps/count.py": COUNT}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def ran(root: Path, *names: str, force: bool = False) -> list[str]:
    """Runs stages, or all of them, and returns those that had to."""
    graph, log = PipelineGraph.read(root / "stages.yaml"), io.StringIO()
    pythons = {"product": Path(sys.executable), "torch": root / "none"}
    PipelineRunner(graph, root, pythons, ProgressView(log)).run(names or list(graph.stages), force=force)
    return [line.split()[1].rstrip(":") for line in log.getvalue().splitlines() if ": done in" in line]


def states(root: Path) -> dict[str, StageState]:
    graph = PipelineGraph.read(root / "stages.yaml")
    return {name: state for name, (state, _) in PipelineState.load(root).all(graph).items()}


def test_every_stage_runs_once_and_then_none(root: Path) -> None:
    assert sorted(ran(root)) == ["copy", "count", "join", "upper"]
    assert (root / "made/join.txt").read_text() == "3 letters; other"
    assert ran(root) == []
    assert set(states(root).values()) == {StageState.DONE}


def test_a_changed_input_runs_the_stages_that_depend_on_it_and_no_others(root: Path) -> None:
    ran(root)
    (root / "given.txt").write_text("abcd")
    assert states(root) == {
        "upper": StageState.CHANGED,
        "count": StageState.WAITING,
        "copy": StageState.DONE,
        "join": StageState.WAITING,
    }
    assert ran(root) == ["upper", "count", "join"]
    assert (root / "made/join.txt").read_text() == "4 letters; other"


def test_an_output_that_comes_out_as_before_runs_nothing_after_it(root: Path) -> None:
    ran(root)
    (root / "given.txt").write_text("ABC")
    assert ran(root) == ["upper"]


def test_stages_that_do_not_need_one_another_run_side_by_side(root: Path) -> None:
    waits = "sh -c 'touch begun-{1}; until test -e begun-{0}; do sleep 0.01; done; cp $1 $2' x"
    stages = STAGES.replace("python -m steps.upper", waits.format("copy", "upper"))
    (root / "stages.yaml").write_text(stages.replace("command: cp", f"command: {waits.format('upper', 'copy')}"))
    assert set(ran(root)) == {"upper", "count", "copy", "join"}


def test_a_stage_that_fails_ends_the_one_beside_it(root: Path) -> None:
    slow = STAGES.replace("command: cp", "command: sh -c 'exec sleep 60' x")
    (root / "stages.yaml").write_text(slow)
    (root / "steps/words.py").write_text("def changed(text):\n    raise ValueError('no such letter')\n")
    begun = time.monotonic()
    with pytest.raises(PipelineError, match="upper: failed"):
        ran(root)
    assert time.monotonic() - begun < 20


def test_changed_code_runs_its_stage_also_when_it_is_imported(root: Path) -> None:
    ran(root)
    (root / "steps/words.py").write_text(WORDS.replace("text.upper()", "text.upper() * 2"))
    assert ran(root) == ["upper", "count", "join"]


def test_a_comment_or_a_docstring_runs_nothing(root: Path) -> None:
    ran(root)
    (root / "steps/words.py").write_text("# A comment.\n" + WORDS.replace("Returns", "Gives"))
    assert ran(root) == []


def test_a_changed_parameter_runs_its_stage(root: Path) -> None:
    ran(root)
    (root / "stages.yaml").write_text(STAGES.replace("cp {inputs", "cp -p {inputs"))
    assert ran(root) == ["copy"]


@pytest.mark.parametrize("damage", ["changed", "deleted"])
def test_an_output_that_was_changed_or_deleted_is_made_again(root: Path, damage: str) -> None:
    ran(root)
    (root / "made/upper.txt").write_text("damaged") if damage == "changed" else (root / "made/upper.txt").unlink()
    assert ran(root) == ["upper"]
    assert (root / "made/upper.txt").read_text() == "ABC"


def test_force_runs_what_is_done(root: Path) -> None:
    ran(root)
    assert sorted(ran(root, "upper", "copy", force=True)) == ["copy", "upper"]


def start(root: Path) -> subprocess.Popen[str]:
    arguments = ["--graph", str(root / "stages.yaml"), "--root", str(root), "run"]
    # A shell starts background processes, and so perhaps these tests, with SIGINT ignored.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "training", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def until(path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} never appeared")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_killed_in_the_middle_continues_with_the_stage_that_it_was_in(
    root: Path, number: signal.Signals
) -> None:
    (root / "hold").touch()
    process = start(root)
    until(root / ".build/training/full/pipeline/scratch/count/folder/count/begun.txt")
    process.send_signal(number)
    process.communicate()
    assert states(root)["upper"] is StageState.DONE
    assert states(root)["count"] is StageState.NEVER
    assert not (root / "made/count").exists()
    (root / "hold").unlink()
    again = start(root)
    _, errors = again.communicate()
    while "still going on" in errors:  # the command of a killed run holds the lock until it ends
        again = start(root)
        _, errors = again.communicate()
    assert again.returncode == 0
    assert "upper: unchanged" in errors
    assert "count: done" in errors
    assert (root / "made/join.txt").read_text() == "3 letters; other"


def test_a_second_run_is_kept_out_while_the_first_goes_on(root: Path) -> None:
    (root / "hold").touch()
    process = start(root)
    until(root / ".build/training/full/pipeline/scratch/count/folder/count/begun.txt")
    with pytest.raises(PipelineError, match="still going on"):
        ran(root)
    (root / "hold").unlink()
    process.communicate()
    assert process.returncode == 0


def test_a_stage_that_fails_shows_the_end_of_its_log_and_leaves_what_was_there(root: Path) -> None:
    ran(root)
    (root / "steps/words.py").write_text("def changed(text):\n    raise ValueError('no such letter')\n")
    with pytest.raises(PipelineError, match=r"(?s)upper: failed with status 1.*no such letter"):
        ran(root)
    assert (root / "made/upper.txt").read_text() == "ABC"
    assert states(root)["upper"] is StageState.CHANGED


def test_a_stage_that_does_not_write_its_output_has_failed(root: Path) -> None:
    (root / "stages.yaml").write_text(STAGES.replace("cp {inputs.text} {outputs.text}", "test {outputs.text}"))
    with pytest.raises(PipelineError, match="copy: did not write its output text"):
        ran(root)


def test_a_stage_that_resumes_finds_its_partial_output_unless_its_inputs_have_changed(root: Path) -> None:
    appending = STAGES.replace(
        "command: cp {inputs.text} {outputs.text}",
        "resumes: true\n    command: sh -c 'echo once >> \"$1\"; test ! -e hold' x {outputs.text}",
    )
    (root / "stages.yaml").write_text(appending)
    (root / "hold").touch()
    for content in ("other", "another"):
        (root / "other.txt").write_text(content)
        for _ in range(2):
            with pytest.raises(PipelineError):
                ran(root, "copy")
    (root / "hold").unlink()
    ran(root, "copy")
    assert (root / "made/copy.txt").read_text() == "once\n" * 3


def test_a_shard_that_is_done_is_not_repeated_after_a_kill(root: Path) -> None:
    divided = STAGES.replace(
        "command: cp {inputs.text} {outputs.text}",
        'resumes: true\n    shards: 3\n    command: sh -c \'mkdir -p "$1"; (cd "$1"; echo once >> made); '
        "test $2 != 1 || sleep 0.5; test $2 != 1 -o ! -e hold' x {outputs.text} {shard} {shards}",
    )
    (root / "stages.yaml").write_text(divided.replace("made/copy.txt", "made/copy"))
    (root / "hold").touch()
    with pytest.raises(PipelineError, match="copy: failed"):
        ran(root, "copy")
    (root / "hold").unlink()
    ran(root, "copy")
    assert [(root / f"made/copy/{shard}/made").read_text() for shard in range(3)] == [
        "once\n",
        "once\nonce\n",
        "once\n",
    ]


def test_a_status_that_is_no_failure_counts_as_success(root: Path) -> None:
    stated = STAGES.replace(
        "command: cp {inputs.text} {outputs.text}",
        'statuses: [0, 3]\n    command: sh -c \'cp "$1" "$2"; exit 3\' x {inputs.text} {outputs.text}',
    )
    (root / "stages.yaml").write_text(stated)
    assert ran(root, "copy") == ["copy"]
    (root / "stages.yaml").write_text(stated.replace("exit 3", "exit 4"))
    with pytest.raises(PipelineError, match="copy: failed with status 4"):
        ran(root, "copy")


def test_a_missing_source_is_named_with_what_it_is(root: Path) -> None:
    (root / "other.txt").unlink()
    with pytest.raises(PipelineError, match=r"copy: its input other.txt is missing; it is another text"):
        ran(root, "copy")


def test_a_missing_environment_is_named(root: Path) -> None:
    (root / "stages.yaml").write_text(STAGES.replace("environment: product", "environment: torch", 1))
    with pytest.raises(PipelineError, match="upper: needs the environment torch"):
        ran(root)


def test_one_may_run_until_a_stage_or_from_one(root: Path) -> None:
    for arguments, made in (
        (["--until", "upper"], {"upper.txt"}),
        (["--from", "copy", "--until", "copy"], {"copy.txt"}),
    ):
        command = [sys.executable, "-m", "training", "--graph", "stages.yaml", "--root", str(root), "run", *arguments]
        subprocess.run(command, cwd=root, env={"PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
        assert made <= {each.name for each in (root / "made").iterdir()}
    assert not (root / "made/join.txt").exists()


def test_the_status_has_a_line_for_each_stage_with_its_state_and_duration(root: Path) -> None:
    ran(root, "upper")
    graph, state = PipelineGraph.read(root / "stages.yaml"), PipelineState.load(root)
    lines = table(state.all(graph), state.records).splitlines()
    assert lines[0].split()[:2] == ["upper", "done"]
    assert lines[0].endswith(" s")
    assert lines[1].split() == ["count", "never", "run", "-"]
    assert lines[3].split() == ["join", "waiting", "-", "for", "count,", "copy"]
    assert lines[-1] == "1 of 4 stages are done"


def test_the_log_says_what_is_left_by_the_last_run() -> None:
    view = ProgressView(io.StringIO())
    view.begin(
        ["done", "count", "copy", "join"], {"done": (0, 7), "count": (7, 107), "copy": (10, 50), "join": (107, 127)}
    )
    view.skipped("done")
    view.started("copy")
    view.started("count", 0, 4)
    view.started("count", 1, 4)
    assert view.stream.getvalue().endswith("2/4 count 2/4: runs, about 2:00 left\n")  # type: ignore[attr-defined]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_a_log_does_not() -> None:
    for stream, bars in ((Terminal(), 1), (io.StringIO(), 0)):
        view = ProgressView(stream)
        view.begin(["upper", "count", "copy", "join"], {})
        view.skipped("upper")
        view.started("count")
        view.started("copy")
        assert stream.getvalue().count("[######------------------] 1/4 count 0.0 s, copy 0.0 s") == bars


@pytest.mark.parametrize(("seconds", "text"), [(4.21, "4.2 s"), (187, "3:07"), (7387, "2:03:07")])
def test_durations_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_damaged_cache_of_digests_is_made_again(root: Path) -> None:
    ran(root)
    (root / ".build/training/full/pipeline/digests.json").write_text("{")
    assert ran(root) == []


def test_the_drawing_leads_from_sources_through_stages(root: Path) -> None:
    lines = [line.strip() for line in mermaid(PipelineGraph.read(root / "stages.yaml")).splitlines()]
    assert {"s0 --> upper", "upper --> count", "count --> join", "copy --> join"} <= set(lines)
