"""Floats: processes, tensors, torch modules and cross-checks."""
