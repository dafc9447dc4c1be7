"""Ports of the ledger."""
