"""Train a network on the arrays of a split."""
