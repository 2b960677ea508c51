"""Data for a game whose iterations are watched and whose minibatches do not matter."""


class Still:
    """Minibatches that are there already."""

    def prepare(self, iteration, k, ahead=0):
        pass

    def minibatch(self, draw, count, out):
        pass
