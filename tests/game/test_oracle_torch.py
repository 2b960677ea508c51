"""Algorithm 1 next to PyTorch's autograd: 20 iterations from the same weights, minibatches, noise and masks."""

from math import sqrt

import numpy as np
import pytest
from loss_oracles import ORACLES

from minigan import rng
from minigan.backends.numpy_ops import NumpyOps
from minigan.checks.finite_differences import randomise
from minigan.game.algorithm1 import Algorithm1
from minigan.game.losses import LOSSES
from minigan.game.optim import Momentum
from minigan.game.player import Player
from minigan.game.priors import Prior
from minigan.game.schedules import ExponentialDecay, LinearRamp
from minigan.layers import Dropout, Linear, Maxout, ReLU, Sequential, Sigmoid
from minigan.rng import Draw, Stream

pytestmark = pytest.mark.rounding

SEED, M, LATENT, WIDTH, ITERATIONS = 2**33 + 5, 6, 4, 5, 20


def learning_rate(t):
    return max(0.2 * 1.05**-t, 0.09)  # on its floor from iteration 17


def momentum(t):
    return 0.5 + 0.2 * min(t // 4, 3) / 3  # .5 in epoch 1 of four iterations, .7 from epoch 4


class Given:
    """Minibatches (n, M, WIDTH) that are there already, by number."""

    def __init__(self, n):
        self.batches = np.random.default_rng(1).random((n, M, WIDTH))

    def prepare(self, iteration, k, ahead=0):
        pass

    def minibatch(self, draw, count, out):
        out[...] = self.batches[int(count)]


class Watched(NumpyOps):
    """Remembers where weight gradients went: the targets of x^T dy and of column sums."""

    def __init__(self):
        super().__init__()
        self.targets = []

    def gemm(self, a, b, out, trans_a=False, trans_b=False, alpha=1.0, beta=0.0):
        if trans_a:
            self.targets.append(out)
        return super().gemm(a, b, out, trans_a, trans_b, alpha, beta)

    def colsum(self, a, out, alpha=1.0, beta=0.0):
        self.targets.append(out)
        return super().colsum(a, out, alpha, beta)


def new_game(updates="alternating", k=1, loss="non-saturating", fused=True):
    ops = Watched()
    clock = ops.clock(ExponentialDecay(0.2, 1.05, 0.09), LinearRamp(0.5, 0.7, epochs=4, iterations_per_epoch=4))
    g = Sequential(Linear(LATENT, 8), ReLU(), Linear(8, 7), ReLU(), Linear(7, WIDTH), Sigmoid(), fused=fused)
    d = Sequential(
        Dropout(0.8), Maxout(WIDTH, 6, 5), Dropout(0.5), Maxout(6, 7, 3), Dropout(0.5), Linear(7, 1), fused=fused
    )
    players = [Player(ops, network, np.float64, lambda params: Momentum(params, clock)) for network in (g, d)]
    for player in players:
        randomise(player.params, np.random.default_rng(2))
    return Algorithm1(ops, *players, clock, Prior("uniform", LATENT), SEED, M, k, updates, loss)


def memory(player):
    """The bytes of a player's parameters and of its velocity."""
    return player.params.flat.tobytes(), player.optimiser.state["velocity"].flat.tobytes()


class Oracle:
    """The same game in PyTorch expressions; every gradient is autograd's."""

    def __init__(self, torch, game):
        self.torch, self.k, self.updates, self.t = torch, game.k, game.updates, 0
        self.loss = next(ORACLES[name] for name, loss in LOSSES.items() if loss is game.loss)
        self.g, self.d = (
            {name: torch.tensor(view, requires_grad=True) for name, view in player.params.items()}
            for player in (game.generator, game.discriminator)
        )
        self.v_g, self.v_d = ({name: 0.0 for name in theta} for theta in (self.g, self.d))

    def words(self, substep, stream, rows, width):
        return rng.words(Draw(SEED, self.t, substep, stream, np.arange(rows, dtype=np.uint32)), width)

    def z(self, substep):
        u = (self.words(substep, Stream.LATENT, M, LATENT) // 256).astype(np.float64) / 2**24
        return self.torch.tensor(sqrt(3) * (2 * u - 1))

    def dropped(self, h, substep, layer, keep):
        word = self.words(substep, Stream.DROPOUT_DISCRIMINATOR + layer, *h.shape)
        return h * self.torch.tensor(word < rng.keep_threshold(keep)).double() / keep

    def generated(self, z):
        p, torch = self.g, self.torch
        h = torch.relu(z @ p["0.W"] + p["0.b"])
        h = torch.relu(h @ p["2.W"] + p["2.b"])
        return torch.sigmoid(h @ p["4.W"] + p["4.b"])

    def logits(self, x, substep):
        """x (B, WIDTH) to (B, 1)"""
        p = self.d
        h = self.dropped(x, substep, 0, 0.8)
        h = (h @ p["1.W"] + p["1.b"]).reshape(len(x), 5, 6).max(dim=1).values  # (B, P, O) to (B, O)
        h = self.dropped(h, substep, 2, 0.5)
        h = (h @ p["3.W"] + p["3.b"]).reshape(len(x), 3, 7).max(dim=1).values
        h = self.dropped(h, substep, 4, 0.5)
        return h @ p["5.W"] + p["5.b"]

    def d_loss(self, logits):
        """Of logits (2 M, 1), real above fake"""
        return self.loss.torch_d(self.torch.nn.functional, logits[:M], logits[M:])

    def g_loss(self, logits):
        return self.loss.torch_g(self.torch.nn.functional, logits)

    def slopes(self, loss, theta):
        return self.torch.autograd.grad(loss, list(theta.values()), retain_graph=True)

    def move(self, theta, v, slopes):
        """v <- mu v - lr g,  theta <- theta + v"""
        with self.torch.no_grad():
            for name, slope in zip(theta, slopes):
                v[name] = momentum(self.t) * v[name] - learning_rate(self.t) * slope
                theta[name] += v[name]

    def d_step(self, x, substep, weight):
        fake = self.generated(self.z(substep)).detach()
        self.last = weight, self.logits(self.torch.cat([x, fake]), substep)
        self.move(self.d, self.v_d, self.slopes(weight * self.d_loss(self.last[1]), self.d))

    def iterate(self, batches):
        """One iteration on batches (n, M, WIDTH); what it saw is left in `seen`."""
        x = [self.torch.tensor(batches[self.t * self.k + substep]) for substep in range(self.k)]
        if self.updates == "alternating":
            for substep in range(self.k):
                self.d_step(x[substep], substep, 1.0)
            d_loss = self.d_loss(self.last[1])
            g_loss = self.g_loss(self.logits(self.generated(self.z(self.k)), self.k))
            self.move(self.g, self.v_g, self.slopes(g_loss, self.g))
        else:
            joint = self.k - 1
            for substep in range(joint):
                self.d_step(x[substep], substep, 0.5)
            logits = self.logits(self.torch.cat([x[joint], self.generated(self.z(joint))]), joint)
            d_loss, g_loss = 0.5 * self.d_loss(logits), self.g_loss(logits[M:])
            slopes_d, slopes_g = self.slopes(d_loss, self.d), self.slopes(g_loss, self.g)
            self.move(self.d, self.v_d, slopes_d)
            self.move(self.g, self.v_g, slopes_g)
        self.seen = {"d_loss": d_loss.item(), "g_loss": g_loss.item()}
        self.t += 1


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is the oracle of this test")
    threads = module.get_num_threads()
    module.set_num_threads(1)  # the products are too small to share
    yield module
    module.set_num_threads(threads)


def distance(params, tensors):
    """The largest difference over the largest entry, over all parameters of a network."""
    pairs = [(params[name], tensors[name].detach().numpy()) for name in params.shapes]
    return max(np.abs(a - b).max() for a, b in pairs) / max(np.abs(b).max() for _, b in pairs)


@pytest.mark.parametrize(
    "updates, k, fused",
    [
        ("alternating", 1, True),
        ("alternating", 1, False),
        ("alternating", 2, True),
        ("simultaneous", 1, True),
        ("simultaneous", 1, False),
        ("simultaneous", 2, True),
    ],
)
@pytest.mark.parametrize("loss", LOSSES)
def test_twenty_iterations_agree_with_autograd(torch, updates, k, loss, fused):
    game, data = new_game(updates, k, loss, fused), Given(ITERATIONS * k)
    oracle, start = Oracle(torch, game), [p.params.flat.copy() for p in (game.generator, game.discriminator)]
    for _ in range(ITERATIONS):
        game.iterate(data)
        oracle.iterate(data.batches)
        seen = game.measure()
        assert {name: seen[name] for name in oracle.seen} == pytest.approx(oracle.seen, rel=1e-11)
    g, d = game.generator, game.discriminator
    assert distance(g.params, oracle.g) < 1e-12 and distance(d.params, oracle.d) < 1e-12
    assert distance(g.optimiser.state["velocity"], oracle.v_g) < 1e-11
    assert distance(d.optimiser.state["velocity"], oracle.v_d) < 1e-11
    assert int(game.clock.iteration) == ITERATIONS
    assert all(np.abs(p.params.flat - s).max() > 0.02 for p, s in zip((g, d), start))  # there was a way to go


@pytest.mark.parametrize("wrong", ["learning_rate", "momentum"])
def test_the_oracle_can_tell_another_schedule(torch, wrong, monkeypatch):
    right = globals()[wrong]
    monkeypatch.setitem(globals(), wrong, lambda t: right(t + 1))
    game, data = new_game(), Given(ITERATIONS)
    oracle = Oracle(torch, game)
    for _ in range(ITERATIONS):
        game.iterate(data)
        oracle.iterate(data.batches)
    assert distance(game.discriminator.params, oracle.d) > 1e-6 and distance(game.generator.params, oracle.g) > 1e-6


def test_the_noise_of_a_step_is_the_one_its_place_implies(torch):
    game, data = new_game(k=2), Given(6)
    oracle = Oracle(torch, game)
    for t in range(3):
        game.iterate(data)
        oracle.t = t
        assert game.z.tolist() == oracle.z(substep=2).tolist()


def test_a_g_step_leaves_d_as_it_is_and_computes_none_of_its_gradients():
    game, data = new_game(), Given(3)
    game.iterate(data)
    game.iterate(data)
    before_g, before_d = memory(game.generator), memory(game.discriminator)
    assert np.any(game.discriminator.optimiser.state["velocity"].flat)
    game.ops.targets.clear()
    game.draw_z(1)
    game.g_step(1)
    assert memory(game.discriminator) == before_d
    assert all(now != before for now, before in zip(memory(game.generator), before_g))
    learned = game.generator.optimiser.state["velocity"].flat
    assert len(game.ops.targets) == 6 and all(np.shares_memory(target, learned) for target in game.ops.targets)


def test_a_d_step_leaves_g_as_it_is_and_computes_none_of_its_gradients():
    game, data = new_game(), Given(3)
    game.iterate(data)
    before_g, before_d = memory(game.generator), memory(game.discriminator)
    game.ops.targets.clear()
    game.draw_x(data, 0)
    game.draw_z(0)
    game.d_step(0)
    assert memory(game.generator) == before_g
    assert all(now != before for now, before in zip(memory(game.discriminator), before_d))
    learned = game.discriminator.optimiser.state["velocity"].flat
    assert len(game.ops.targets) == 6 and all(np.shares_memory(target, learned) for target in game.ops.targets)
