"""Weights read as an update: the interaction tensor of each layer, what of it prompts reach, and the rule in it."""
