"""Statements and proofs generated for algorithms that attend by patterns of frozen rows."""
