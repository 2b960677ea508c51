"""A program of a user's that several ranks run:  mpiexec -n P python program.py FOLDER"""

import sys

from games import examples, networks

from minigan import GAN, Callback, Checkpoint, Recipe


class Counts(Callback):
    every, calls = 10, 0

    def on_iteration_end(self, loop, line):
        loop.gan.sample(3)  # rank 0 alone
        self.calls += 1


counts = Counts()
gan = GAN(*networks(), Recipe(latent=6, batch_size=12), distributed="mpi")
gan.fit(examples(), iterations=35, callbacks=[counts], verbose=False)
gan.partial_fit(examples(), iterations=25, callbacks=[counts, Checkpoint(sys.argv[1], 50)], verbose=False)
print(f"rank {gan.ranks.rank} called {counts.calls} times", flush=True)
assert gan.history_["iteration"][-1] == 60
