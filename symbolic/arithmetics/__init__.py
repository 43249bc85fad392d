"""The exact arithmetics that prompts and layers run in, each with the same few operations."""
