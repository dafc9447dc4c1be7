"""From untrusted bytes to a waveform of known rate, and what its quality allows."""
