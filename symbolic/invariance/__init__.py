"""Which sets of weights are invariant under the expected deep-TD update, exactly."""
