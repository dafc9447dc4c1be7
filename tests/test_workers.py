"""Distribution of the tests over workers."""

import os

import pytest

from tests.conftest import SHARING, TESTS


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one process")
def test_tests_that_share_a_setup_are_on_one_worker(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        path = item.path.relative_to(TESTS).as_posix()
        group = item.nodeid.rpartition("@")[2]
        assert group == next((folder for folder in SHARING if path.startswith(f"{folder}/")), group)
        assert group not in SHARING or path.startswith(f"{group}/")
