"""What is around every formula: argument checks, settings, weights, reduction, the base of the modules."""
