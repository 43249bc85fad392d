"""What an iteration on a prompt would be with more data, and what the process's true values are: exactly."""
