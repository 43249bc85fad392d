"""What the command line shares: options, progress on stderr, and tables."""
