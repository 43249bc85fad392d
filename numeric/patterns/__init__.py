"""Layers with attention patterns in torch, and the judge of their runs."""
