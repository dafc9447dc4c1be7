"""Path of the emulator's front at which access keys are told."""

PATH = "/_bonafide/credentials/"
