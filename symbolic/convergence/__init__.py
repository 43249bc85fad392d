"""Does w <- T w + c converge, to what, and how fast: decided over the rationals, with certificates."""
