"""What follows from an update, as blocks of a report: from its loop to the weights, made from the exact objects."""
