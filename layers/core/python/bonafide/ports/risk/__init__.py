"""Store of counters and histories of calls."""
