"""Audio: from untrusted bytes to a waveform of known rate, with its quality."""
