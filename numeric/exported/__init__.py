"""An export as data: what its config says, its README, and how it is read back against the rationals."""
