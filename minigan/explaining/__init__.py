"""One iteration of a run, opened: every array of it, its formula, its code, and the finite differences that agree."""
