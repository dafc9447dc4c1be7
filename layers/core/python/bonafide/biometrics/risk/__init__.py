"""The call itself as evidence: signals, counters, and the scorecard that weighs them."""
