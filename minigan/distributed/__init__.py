"""One model on many ranks: processes that play one game together, each with its share of the rows.

`ranks` is what the game asks of them, `mpi` the same through mpi4py; `endings` sees to it that none is left behind.
"""
