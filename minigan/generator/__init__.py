"""A trained generator, alone: to draw from, to compare, to measure."""
