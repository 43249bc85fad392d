"""Finite Markov chains and decision processes, exactly: classes, periods, stationary laws, Poisson's equation."""
