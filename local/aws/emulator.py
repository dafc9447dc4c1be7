"""The embedded AWS emulator, which holds all state: tables, buckets, keys."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.aws.functions.function import ACCOUNT, REGION, SECRET
from local.aws.http import LOOPBACK
from local.aws.process import ChildProgram, start, stop
from local.aws.template import StackTemplate
from ops.synthesis import ROOT

START_SECONDS = 60


class Emulator:
    """A running emulator.

    Attributes:
        endpoint: URL of all its services.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._session = boto3.Session(ACCOUNT, SECRET, region_name=REGION)

    def client(self, service: Any) -> Any:
        """Creates a client of one service."""
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return self._session.client(service, endpoint_url=self.endpoint, config=config)

    def deploy(self, template: StackTemplate) -> dict[str, str]:
        """Deploys a stack through CloudFormation; returns its exports by name."""
        formation = self.client("cloudformation")
        self._bootstrap(template)
        body = (template.folder / f"{template.name}.template.json").read_text()
        formation.create_stack(StackName=template.name, TemplateBody=body)
        waiter = formation.get_waiter("stack_create_complete")
        waiter.wait(StackName=template.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
        self._lock(template)
        outputs = formation.describe_stacks(StackName=template.name)["Stacks"][0].get("Outputs", [])
        return {output["ExportName"]: output["OutputValue"] for output in outputs}

    def _bootstrap(self, template: StackTemplate) -> None:
        """Sets the version of the bootstrap that a template asks for, if it does."""
        if version := template.content.get("Parameters", {}).get("BootstrapVersion"):
            self.client("ssm").put_parameter(Name=version["Default"], Value="21", Type="String", Overwrite=True)

    def _lock(self, template: StackTemplate) -> None:
        """Locks the objects of buckets as the template says, which the emulator's CloudFormation leaves out."""
        for id_, bucket in template.raw("AWS::S3::Bucket"):
            if lock := bucket.get("ObjectLockConfiguration"):
                found = self.client("cloudformation").describe_stack_resource(
                    StackName=template.name, LogicalResourceId=id_
                )
                name = found["StackResourceDetail"]["PhysicalResourceId"]
                self.client("s3").put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)


@contextmanager
def emulator(folder: Path, log: Path) -> Iterator[Emulator]:
    """Runs an emulator on a free port of the loopback interface, with its files in `folder`."""
    with socket.create_server((LOOPBACK, 0)) as listener, log.open("wb") as output:
        port = listener.getsockname()[1]
        process = start(_program(folder, listener.fileno(), port), output)
    try:
        _wait_until_healthy(process, port)
        yield Emulator(f"http://{LOOPBACK}:{port}")
    finally:
        stop(process)


def _program(folder: Path, listener: int, port: int) -> ChildProgram:
    # Its own command would listen on all interfaces. Binding here keeps the port from being taken in between.
    arguments = ["local.aws.streams.limited:app", "--workers", "0", "--bind", f"fd://{listener}"]
    environment = {
        # Presigned URLs are checked against the secret that functions sign with.
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "GATEWAY_PORT": str(port),
        "HOME": str(folder),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    return ChildProgram("hypercorn", arguments, environment, folder, files=[listener])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the AWS emulator did not start (exit status {process.poll()})")
