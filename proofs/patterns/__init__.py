"""What is claimed of algorithms that attend by patterns, and the exact weights and prompts that it is claimed of."""
