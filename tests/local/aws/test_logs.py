"""What is read out of a log that several environments write."""

import pytest

from local.aws.logs import documents


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}{"b": 2}', [{"a": 1}, {"b": 2}]),
        ('{"a": 1} {"b": {"c": 2}}\n', [{"a": 1}, {"b": {"c": 2}}]),
        ('{"a": 1}{"b": ', [{"a": 1}]),
        ("", []),
        ("START RequestId: 1", []),
    ],
)
def test_a_line_holds_the_documents_that_begin_it(line: str, found: list[object]) -> None:
    assert list(documents(line)) == found
