"""The emulator behind the write limits of Kinesis, as an ASGI application."""

from ministack.app import app as emulator

from local.aws.streams.limits import WriteLimits

app = WriteLimits(emulator)
