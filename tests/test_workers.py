"""Distribution of the tests over workers."""

import os

import pytest

from tests.conftest import SHARING, TESTS


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one process")
def test_tests_that_share_a_setup_are_on_one_worker(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        folder = item.path.relative_to(TESTS).parts[0]
        assert item.nodeid.endswith(f"@{folder}") == (folder in SHARING)
