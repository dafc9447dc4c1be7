"""The pipelines: pinned, least privileged, promoting one build, and made of make targets that a person can run."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.stem for path in FOLDER.glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
LOCAL = re.compile(r"uses: \./\.github/workflows/(\w+)\.yml$")
RELEASED = "./.github/workflows/release.yml"
# Only here does a workflow do by itself what no person would need a target for.
NOT_MAKE = {"release": "git merge-base "}

type Document = dict[str, Any]


def load(name: str) -> Document:
    document: Document = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return document


def jobs(name: str) -> dict[str, Document]:
    found: dict[str, Document] = load(name)["jobs"]
    return found


def runs(name: str) -> list[str]:
    return [step["run"] for job in jobs(name).values() for step in job.get("steps", []) if "run" in step]


def made(text: str) -> list[str]:
    """Targets that make is called with."""
    return re.findall(r"\bmake ([a-z-]+)", text)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def before(name: str, job: str) -> set[str]:
    """Jobs that have to be through before another one."""
    needs = jobs(name)[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(before(name, each) for each in direct))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_a_full_digest_with_its_version(name: str) -> None:
    lines = [line.strip().removeprefix("- ") for line in (FOLDER / f"{name}.yml").read_text().splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert uses
    assert [line for line in uses if not PINNED.match(line) and not LOCAL.match(line)] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_nothing_and_each_job_names_what_it_may(name: str) -> None:
    assert load(name)["permissions"] == {}
    for job in jobs(name).values():
        assert isinstance(job["permissions"], dict)
        assert {what for what, how in job["permissions"].items() if how == "write"} <= {"id-token", "attestations"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_checkout_leaves_credentials_behind(name: str) -> None:
    steps = [step for job in jobs(name).values() for step in job.get("steps", [])]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_script_has_an_expression_pasted_into_it(name: str) -> None:
    assert [run for run in runs(name) if "${{" in run] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_make_targets_only(name: str) -> None:
    allowed = ("make ", NOT_MAKE[name]) if name in NOT_MAKE else ("make ",)
    assert [run for run in runs(name) if not run.startswith(allowed)] == []
    assert {target for run in runs(name) for target in made(run)} <= make_targets()


def test_every_target_of_the_jenkinsfile_exists_and_is_what_the_workflows_run() -> None:
    steps = {target for sh in re.findall(r"sh '(.*)'", (ROOT / "Jenkinsfile").read_text()) for target in made(sh)}
    used = ("ci", "deploy", "release", "stage", "promote")
    workflows = {target for name in used for run in runs(name) for target in made(run)}
    assert steps == workflows <= make_targets()


@pytest.mark.parametrize(("given", "users"), [([], 10), (["CALLS=1000"], 1000)])
def test_a_load_has_the_number_of_calls_that_is_asked_for(given: list[str], users: int) -> None:
    command = ["make", "-n", "load", "ENDPOINT=http://localhost", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"--users {users} " in done.stdout


def test_what_is_deployed_is_compared_with_the_champion_first() -> None:
    given = ["STAGE=dev", "RELEASE=release.tar.gz", "PROMOTION=7; false", "MODEL="]
    done = subprocess.run(["make", "-n", "deploy", *given], cwd=ROOT, capture_output=True, text=True, check=True)
    (check,) = re.findall(r"-m ops.promotion.champion .*", done.stdout)
    # What came with an event reaches the shell as the value of a variable.
    assert '--promotion "$DEPLOY_PROMOTION"' in check
    assert done.stdout.index(check) < done.stdout.index("deploy --require-approval")


def test_the_checks_are_those_that_have_to_pass_before_anything_lands() -> None:
    # Every target sets up by itself; `.ci/run` does it first, since it runs two of them side by side.
    required = set(made((ROOT / ".ci" / "run").read_text())) - {"setup"}
    assert required | {"synth", "audit"} <= {target for run in runs("ci") for target in made(run)}


def test_production_gets_what_staging_and_development_got_before() -> None:
    assert before("deploy", "production") == {"staging", "dev", "release", "ci"}
    stages = [jobs("deploy")[stage]["with"] for stage in ("dev", "staging", "production")]
    assert len({(stage["revision"], stage["run"]) for stage in stages}) == 1
    assert [run for run in runs("stage") if "make release" in run] == []
    assert [name for name, job in jobs("deploy").items() if RELEASED in job.get("uses", "")] == ["release"]
    assert sum(made(run) == ["release"] for run in runs("release")) == 1


def test_every_stage_is_called_after_it_was_deployed_and_never_deployed_twice_at_once() -> None:
    (deploy,) = jobs("stage").values()
    order = [target for step in deploy["steps"] for target in made(step.get("run", ""))]
    assert order.index("deploy") < order.index("smoke")
    assert deploy["environment"] == "${{ inputs.stage }}"
    assert deploy["concurrency"] == {"group": "stage-${{ inputs.stage }}", "cancel-in-progress": False}


def test_code_of_a_pull_request_never_runs_beside_credentials() -> None:
    for job in jobs("ci").values():
        if "id-token" in job["permissions"]:
            (checkout,) = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
            assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_only_a_rollback_shifts_all_traffic_at_once_and_a_release_can_be_stopped_while_it_runs() -> None:
    releases = [job["with"] for job in jobs("deploy").values() if "stage.yml" in job.get("uses", "")]
    assert [each for each in releases if "traffic" in each] == []
    assert jobs("rollback")["deploy"]["with"]["traffic"].startswith("${{ inputs.traffic == 'ALL_AT_ONCE'")
    stop = jobs("rollback")["stop"]
    assert "concurrency" not in stop
    assert [target for step in stop["steps"] for target in made(step.get("run", ""))] == ["rollback", "smoke"]


def test_a_release_of_code_takes_the_champion_of_its_stage_along() -> None:
    (deploy,) = jobs("stage").values()
    order = [target for step in deploy["steps"] for target in made(step.get("run", ""))]
    assert order == ["verify", "champion", "diff", "deploy", "smoke"]
    given = [run for run in runs("stage") if made(run)[0] in {"diff", "deploy"}]
    assert all('RELEASE=".build/release-$STAGE.tar.gz"' in run for run in given)


def test_a_promotion_waits_for_the_release_of_its_stage_and_is_settled_whatever_happens() -> None:
    job = jobs("promote")["promote"]
    assert job["concurrency"] == jobs("stage")["deploy"]["concurrency"]
    assert job["environment"] == "${{ inputs.stage }}"
    carry_out, settle = (step for step in job["steps"] if made(step.get("run", "")) == ["promotion"])
    assert "SETTLE=1" in settle["run"]
    assert settle["if"] == "always()"
    assert "if" not in carry_out
    # YAML 1.1 reads the key `on` as a truth value.
    (triggers,) = (each for key, each in load("promote").items() if str(key) == "True")
    inputs = triggers["workflow_dispatch"]["inputs"]
    assert [name for name, each in inputs.items() if each.get("required")] == ["stage", "promotion"]


def test_what_is_deployed_is_built_without_a_cache() -> None:
    for name in ("deploy", "release", "rollback", "promote"):
        assert "actions/cache" not in (FOLDER / f"{name}.yml").read_text()


def test_every_release_is_built_without_a_token_and_attested_by_a_job_that_builds_nothing() -> None:
    build, attest = jobs("release")["build"], jobs("release")["attest"]
    assert build["permissions"] == {"contents": "read"}
    assert attest["permissions"] == {"attestations": "write", "id-token": "write"}
    assert attest["needs"] == "build"
    assert [step for step in attest["steps"] if "run" in step or "checkout" in step["uses"]] == []
    provenance, bill = (step["with"] for step in attest["steps"] if step["uses"].startswith("actions/attest@"))
    assert provenance == {"subject-path": ".build/release.tar.gz"}
    assert bill == {"subject-path": ".build/release.tar.gz", "sbom-path": ".build/release.cdx.json"}
    for name in ("deploy", "rollback"):
        assert jobs(name)["release"]["uses"] == RELEASED
        assert jobs(name)["release"]["permissions"]["attestations"] == "write"


def test_only_revisions_of_main_are_released() -> None:
    steps = [step.get("run", "") for step in jobs("release")["build"]["steps"]]
    (check,) = (number for number, run in enumerate(steps) if "merge-base --is-ancestor" in run)
    assert steps[check].endswith('origin/main && git checkout --detach "$REVISION^{commit}"')
    assert check < steps.index("make release")


def test_an_archive_is_verified_before_any_of_it_is_used_and_before_there_are_credentials() -> None:
    steps = jobs("stage")["deploy"]["steps"]
    (verified,) = (number for number, step in enumerate(steps) if made(step.get("run", "")) == ["verify"])
    assert "download-artifact" in steps[verified - 1]["uses"]
    assert steps[verified]["run"] == "make verify RELEASE=.build/release.tar.gz"
    assert steps[verified]["env"] == {
        "GH_TOKEN": "${{ github.token }}",
        "REPOSITORY": "${{ github.repository }}",
        "REVISION": "${{ inputs.revision }}",
    }
    credentials = [number for number, step in enumerate(steps) if "configure-aws-credentials" in step.get("uses", "")]
    using = [number for number, step in enumerate(steps) if "RELEASE=" in step.get("run", "")]
    assert min(credentials) > verified == min(using)
    for name in ("deploy", "rollback"):
        deployed = [job for job in jobs(name).values() if "stage.yml" in job.get("uses", "")]
        assert deployed
        assert all(job["permissions"]["attestations"] == "read" for job in deployed)


def test_what_a_promotion_built_is_attested_by_a_job_of_its_own() -> None:
    assert jobs("promote")["promote"]["permissions"].get("attestations") is None
    attest = jobs("promote")["attest"]
    assert attest["permissions"] == {"attestations": "write", "id-token": "write"}
    assert attest["needs"] == "promote"
    assert [step for step in attest["steps"] if "run" in step] == []


def test_jenkins_compares_the_archive_with_the_digest_of_its_build_before_it_deploys() -> None:
    text = (ROOT / "Jenkinsfile").read_text()
    deploy = text[text.index("void deployTo") : text.index("void promoteIn")]
    assert "DIGEST=${env.RELEASE_DIGEST}" in deploy
    assert re.findall(r"sh 'make ([a-z]+)", deploy)[0] == "verify"
    assert text.index("make release") < text.index("env.RELEASE_DIGEST = sh(script: 'sha256sum .build/release.tar.gz")


def test_zizmor_finds_nothing() -> None:
    zizmor = str(Path(sys.executable).parent / "zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--quiet", str(ROOT / ".github")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
