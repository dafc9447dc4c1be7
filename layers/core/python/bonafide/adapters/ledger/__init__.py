"""The archive of decisions in S3, and its twin in memory."""
