"""Roles of operations, verified identities, and their binding to domains; knows no store and no HTTP."""
