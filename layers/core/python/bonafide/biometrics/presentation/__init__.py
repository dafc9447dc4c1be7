"""Rules about presentations beside the voice that matches: other voices, and failed attempts."""
