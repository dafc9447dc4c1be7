"""Pure biometric logic: no I/O, no clock, numpy at most."""
