"""The REST API: the only place that knows HTTP."""
