"""Does the in-context iteration converge, to what, how fast: the question, its answer, and certificates of it."""
