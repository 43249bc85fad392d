"""Rules of stochastic approximation run in floats beside their theory: many seeded runs at once, and the ODE.

Read `compiled` (h as arrays), then `run`; `ode` is what they are held against.
"""
