"""Erasure in DynamoDB: its progress, and what each table holds about people."""
