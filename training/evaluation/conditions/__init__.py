"""Measures how genuine callers and other people are decided on over the lines of `training.corpus.conditions`."""
