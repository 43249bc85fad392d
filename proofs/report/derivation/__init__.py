"""A derivation and its weights as a document: formulas, parts, and plain text."""
