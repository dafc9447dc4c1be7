"""Errors of the pipeline."""


class PipelineError(Exception):
    """The pipeline cannot be read or run; the message names the stage."""
