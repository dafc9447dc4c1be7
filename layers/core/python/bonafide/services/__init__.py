"""Use cases, in terms of records, rules and ports.

They know neither contracts nor HTTP, and stand on `shared`, never on each other's helpers.
"""
