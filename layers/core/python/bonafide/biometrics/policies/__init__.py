"""Comparison of policies: decisions judged again under another one, and what both cost."""
