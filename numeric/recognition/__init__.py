"""How near a network is to each algorithm of the catalogue: by its weights, and on prompts."""
