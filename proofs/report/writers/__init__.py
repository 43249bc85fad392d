"""The formats of a report, one a file: each lays out the same model."""
