"""Stores that watch models and callers, in DynamoDB: drift, and comparisons with the shadow."""
