"""Rules v <- v + alpha h(v, Y) driven by a Markov chain: what h computes, its mean field, and what theorems ask of it.

Read `quantity` (what h computes with), `rule`, `samples` (h on every state of the chain), `traces`, `field` (the mean
field), then the exact checks: `scaling`, `linear`, `contraction`, `ratio`, `noise`.
"""
