"""layerproof."""
