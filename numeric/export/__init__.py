"""Exact weights for other frameworks: what an export holds, how it is written, and how it is read."""
