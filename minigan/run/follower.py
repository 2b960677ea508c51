"""A rank that plays its share of a run and writes nothing."""

from __future__ import annotations

from minigan.loop.loop import Loop
from minigan.loop.watching import stop_signals
from minigan.options.config import Config
from minigan.run.start import Start


class Follower(Start):
    """Any rank but 0, on which the run's `Trainer` is.

    Raises as `Start`.
    """

    def __init__(self, config: Config):
        super().__init__(config)
        self.ranks.first(lambda: None)  # where rank 0 takes the folder
        self.agree()

    def run(self) -> None:
        """Play until rank 0 does, or a signal asks all to stop."""
        loop = Loop(self.gan, self.data, self.source, self.total, (), self.changes())
        with stop_signals(loop.stop):
            loop.run()
