"""What layerproof check does with a project: its files, cases, exports and constructions."""
