"""Training runs as a user has them: groups of seeds on executors, files, metrics, pictures and a page."""
