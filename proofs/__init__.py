"""What is claimed, what stands behind it, and the commands that show it."""
