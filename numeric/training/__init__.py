"""Training: the expected outer update of deep TD in torch, and random processes beside it."""
