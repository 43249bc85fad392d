"""Which algorithm does this network run? The rule, the catalogue and the function, from the weights alone."""
