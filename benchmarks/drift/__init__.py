"""The watch for drift, simulated on recordings: planted changes, and windows without one."""
