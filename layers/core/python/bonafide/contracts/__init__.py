"""The public contract, version 1: requests, answers and events. It evolves by adding; records are viewed here."""
