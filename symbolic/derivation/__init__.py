"""From a textbook update to heads: the contraction algebra, the loop, the ansatz, masks, and the factoring."""
