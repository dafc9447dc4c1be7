"""The emulator behind the write limits of Kinesis, and with separate branches, as an ASGI application."""

from ministack.app import app as emulator  # type: ignore[import-untyped]

from local.aws.streams.limits import WriteLimits
from local.cloud.workflow.branches import separate

separate()
app = WriteLimits(emulator)
