"""Tests that take long: the hosted checks run them, `.ci/run` does not."""

import os

import pytest

HOSTED = pytest.mark.skipif("REHEARSE" not in os.environ, reason="set REHEARSE=1 to run it")
