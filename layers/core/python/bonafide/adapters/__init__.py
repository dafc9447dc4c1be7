"""Ports implemented: DynamoDB, S3, ONNX Runtime, and twins in memory."""
