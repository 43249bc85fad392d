"""A grid of checks: specification, points, workers, results, and how they are shown."""
