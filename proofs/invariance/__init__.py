"""Which sets of weights the expected deep-TD update keeps: questions, claims and their evidence."""
