"""The judge of floats: bounds for one step and for all, exact runs beside them, single prompts and batches."""
