"""Stores in DynamoDB. Reads are strongly consistent and writes conditional, so that no order of events loses one."""
