"""The audio stream's consumer: chunks become evidence."""

from bonafide.bootstrap.models import chunk_scoring
from bonafide.bootstrap.stores import setting_aside
from bonafide.stream import batch_entry

lambda_handler = batch_entry(chunk_scoring(), setting_aside())
