"""The commands, one a file, discovered."""
