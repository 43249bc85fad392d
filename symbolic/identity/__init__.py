"""Layer l is iterate l: exactly, in blocks, in all entries, and at random points; witnesses where it is not."""
