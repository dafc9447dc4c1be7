"""Composition root: the only place that knows which adapter implements which port.

Everything here runs while a function starts, so that a wrong setting, a missing model or a corrupt bundle stops a
function from starting, instead of failing its first request. Functions without models import `stores` alone,
and so start without the runtime of the models.
"""
