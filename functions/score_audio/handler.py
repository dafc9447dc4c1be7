"""Consumer of the audio stream: turns chunks into evidence."""

from bonafide.bootstrap.models import chunk_scoring
from bonafide.bootstrap.stores import failed_records
from bonafide.stream_consumer import batch_entry

lambda_handler = batch_entry(chunk_scoring(), failed_records())
