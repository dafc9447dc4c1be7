"""The resources of a stack, as CloudFormation lists them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef


def list_resources(formation: Any, stack: str) -> "list[StackResourceSummaryTypeDef]":
    """Returns all resources of a stack, of every page.

    Args:
        formation: client of CloudFormation.
        stack: name of the stack.
    """
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [each for page in pages for each in page["StackResourceSummaries"]]
