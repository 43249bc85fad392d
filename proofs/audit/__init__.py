"""A paper's claims, one entry each in a TOML file, checked in one go: `spec` reads them, `run` judges, `page` shows."""
