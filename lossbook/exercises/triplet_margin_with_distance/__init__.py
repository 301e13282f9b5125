"""Exercises of the chapter on triplets with a distance of your own."""
