"""The emulator behind the write limits of Kinesis, with separate branches, telling its keys, as an ASGI application."""

import os

from ministack.app import app as emulator  # type: ignore[import-untyped]

from local.aws.credentials import CredentialsApp
from local.aws.streams.limits import WriteLimits
from local.cloud.workflow.branches import separate

separate()
app = CredentialsApp(WriteLimits(emulator), os.environ["MINISTACK_ACCOUNT_ID"])
