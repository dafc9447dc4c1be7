"""Judgements as they are stored."""
