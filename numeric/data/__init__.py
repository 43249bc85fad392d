"""Where transitions come from: Markov reward processes, prompts, and draws by seed."""
