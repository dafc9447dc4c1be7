"""The emulator behind the write limits of Kinesis, as an ASGI application."""

from ministack.app import app as emulator  # type: ignore[import-untyped]

from local.aws.streams.limits import WriteLimits

app = WriteLimits(emulator)
