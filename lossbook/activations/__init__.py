"""Output activations, and the logarithms of them that losses need."""
