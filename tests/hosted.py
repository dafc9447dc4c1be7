"""Tests that take long, and those of training: the hosted checks run them, `.ci/run` does not."""

import os

import pytest

HOSTED = pytest.mark.skipif("REHEARSE" not in os.environ, reason="set REHEARSE=1 to run it")
