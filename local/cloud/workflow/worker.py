"""Answers the tasks that the emulator leaves to this machine."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bonafide_client import BonafideClientError, Client
from local.cloud.workflow.job import JobFailedError
from local.cloud.workflow.timeline import Timeline

# Jobs at once: each keeps about a core busy.
JOBS = 2
# The only call of the API: whether somebody has promoted the version.
POLL = "arn:aws:states:::apigateway:invoke"
SECONDS = 1


class TrainingJobs(Protocol):
    """Runs training jobs."""

    def run(self, request: Mapping[str, Any], stopped: threading.Event) -> dict[str, Any]:
        """Runs a job until it ends, and returns its description.

        Raises:
            JobFailedError: it failed.
        """


type Answer = Callable[[Mapping[str, Any]], Any]


@dataclass
class WorkflowWorker(AbstractContextManager["WorkflowWorker"]):
    """Reads a queue of tasks in a thread of its own, until the context ends.

    Attributes:
        sqs: client.
        step_functions: client.
        queue: URL.
        jobs: runs the training jobs.
        endpoint: URL of the API's stage here.
        timeline: is told what begins and ends.
    """

    sqs: Any
    step_functions: Any
    queue: str
    jobs: TrainingJobs
    endpoint: str
    timeline: Timeline
    stopped: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "WorkflowWorker":
        """Starts reading."""
        self._pool = ThreadPoolExecutor(JOBS)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the jobs that run."""
        self.stopped.set()
        self._reader.join()
        self._pool.shutdown(cancel_futures=True)

    def _read(self) -> None:
        while not self.stopped.is_set():
            found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=SECONDS)
            for each in found.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
                self._pool.submit(self._carry_out, json.loads(each["Body"]))

    def _carry_out(self, task: Mapping[str, Any]) -> None:
        """Answers one task, whatever happens: a state machine waits for it."""
        answers: Mapping[str, Answer] = {
            "sagemaker:createTrainingJob.sync": lambda request: self.jobs.run(request, self.stopped),
            # The sources themselves stand for their image.
            "codebuild:startBuild.sync": lambda request: {"Build": {"BuildStatus": "SUCCEEDED", **request}},
            "apigateway:invoke": self._call,
        }
        name = self._named(task)
        self.timeline.began(name)
        try:
            result = answers[task["resource"].removeprefix("arn:aws:states:::")](task["arguments"])
        except JobFailedError as error:
            self._fail(task, name, "States.TaskFailed", str(error))
        except Exception as error:
            self._fail(task, name, type(error).__name__, str(error))
        else:
            self.step_functions.send_task_success(taskToken=task["token"], output=json.dumps(result))
            self.timeline.ended(name, "waiting" if task["resource"] == POLL else "done")

    def _fail(self, task: Mapping[str, Any], name: str, error: str, cause: str) -> None:
        if not self.stopped.is_set():
            self.step_functions.send_task_failure(taskToken=task["token"], error=error, cause=cause)
        self.timeline.ended(name, "failed")

    def _named(self, task: Mapping[str, Any]) -> str:
        arguments = task["arguments"].get("AlgorithmSpecification", {}).get("ContainerArguments", [])
        shard = arguments[arguments.index("--shard") + 1] if "--shard" in arguments else None
        return f"{task['state']}{'' if shard is None else f' {shard}'}"

    def _call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        query = "&".join(f"{name}={value}" for name, (value,) in request["QueryParameters"].items())
        try:
            with Client(self.endpoint) as client:
                body = client.send(request["Method"], f"{request['Path']}?{query}")
        except BonafideClientError as error:
            raise RuntimeError(str(error)) from error
        return {"StatusCode": 200, "ResponseBody": body}
