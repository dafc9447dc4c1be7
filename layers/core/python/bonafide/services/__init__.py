"""The use cases: what each call does, in terms of ports."""
