"""Algorithm 1 of Goodfellow et al. (2014): the minimax game, with no input or output.

Two orders of play:
- "alternating", the paper's: k times {m fresh z, m fresh x, D ascends V}, then m fresh z and G descends;
- "simultaneous", what the authors' published code runs: one z batch, one pass through D with its dropout serves both
  players, both gradients are taken at the old parameters, and D's loss carries a factor 1/2.  With k > 1 it is k - 1
  steps of D alone, then a joint one.

Real and fake rows pass through D together, as one batch [x; G(z)] of 2m rows.
"""

from __future__ import annotations

from typing import Protocol

from minigan.backends import Array, Ops
from minigan.backends.clock import Clock, Count
from minigan.distributed.ranks import ALONE, Ranks
from minigan.game.condition import condition_of
from minigan.game.losses import belief, named, slopes, value
from minigan.game.player import Player
from minigan.game.priors import Prior
from minigan.layers import Dropout, Sequential, Tape
from minigan.options.recipe import Loss
from minigan.rng import Draw, Stream

UPDATES = ("alternating", "simultaneous")


class Minibatches(Protocol):
    """Where x comes from (`minigan.data`)."""

    def prepare(self, iteration: int, k: int, ahead: int = 0) -> None:
        """On the host, before an iteration: lay out what its k minibatches need, from iteration k + ahead on."""

    def minibatch(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (m, n) with minibatch number `count`; `draw` says which random numbers are its own."""


class Algorithm1:
    """The game between `generator` and `discriminator` on one backend.

    m       minibatch size, of several ranks the share of this one; it is given as that of all
    k       D-steps an iteration, >= 1
    x       (m, n) the minibatch of data; lies in `pair`, the rows that D sees: (2m, n), x above G(z)
    condition  what both players are told of these rows beside them (`minigan.game.condition`), of so many `classes`
    z       (m, latent)
    logits  (2m, 1) D's logits of the last D-step, real above fake
    logits_g  (m, 1) D's logits of the last G-step's fakes; in a joint step the lower half of `logits`
    clock_d  another clock for D, where its learning rate is another
    ahead    D's steps so far, less iterations times k: 0 unless earlier iterations had another k
    ranks    the processes that share the minibatch: this one has `rows` of its 2m rows

    Raises ValueError for k < 1, m < 1, an m that the ranks cannot share, an unknown order of play or loss, or networks
    that do not fit each other.
    """

    def __init__(
        self,
        ops: Ops,
        generator: Player,
        discriminator: Player,
        clock: Clock,
        prior: Prior,
        seed: int,
        m: int,
        k: int = 1,
        updates: str = "alternating",
        loss: str | Loss = "non-saturating",
        clock_d: Clock | None = None,
        ahead: int = 0,
        ranks: Ranks = ALONE,
        classes: int = 0,
    ):
        check_rules(generator.network, discriminator.network, prior, m, k, updates, classes)
        self.rows, m = ops.asarray(ranks.rows(m), "uint32"), ranks.share(m)
        self.ops, self.generator, self.discriminator, self.clock = ops, generator, discriminator, clock
        self.prior, self.seed, self.m, self.k, self.updates = prior, seed, m, k, updates
        self.loss = named(loss)
        self.clocks, self.ahead = (clock,) if clock_d is None else (clock, clock_d), ahead
        dtype = generator.params.dtype

        self.pair = ops.empty((2 * m, generator.network.n_out), dtype)
        self.x, fake = self.pair[:m], self.pair[m:]
        self.z = ops.empty((m, prior.n), dtype)
        self.condition = condition_of(ops, m, prior.n, generator.network.n_out, classes, dtype)
        self.tape_g = generator.network.tape(ops, m, dtype, out=fake)
        self.tape_d = discriminator.network.tape(ops, 2 * m, dtype)
        self.logits = self.tape_d.layers[-1].y
        self.logits_g = self.logits[m:] if updates == "simultaneous" else ops.empty((m, 1), dtype)

        self.dlogits_d = ops.empty((2 * m, 1), dtype)
        self.dlogits_g = ops.empty((m, 1), dtype)

    def iterate(self, data: Minibatches) -> None:
        """One iteration at the clock's time, which then moves on by one."""
        alone = self.k if self.updates == "alternating" else self.k - 1
        for substep in range(alone):
            self.draw_x(data, substep)
            self.draw_z(substep)
            self.d_step(substep)
        self.draw_z(alone)
        if self.updates == "alternating":
            self.g_step(alone)
        else:
            self.draw_x(data, alone)
            self.joint_step(alone)
        self.tick()

    def tick(self) -> None:
        """The iteration is over."""
        for clock in self.clocks:
            self.ops.tick(clock)

    def set_clock(self, iteration: int) -> None:
        """The coming iteration is this one."""
        for clock in self.clocks:
            self.ops.set_clock(clock, iteration)

    def d_step(self, substep: int = 0) -> None:
        """D descends its loss on the x and z at hand; the paper's is -V, so that it ascends
        V = (1/m) sum_i [log D(x_i) + log(1 - D(G(z_i)))].  With "simultaneous" updates it is half of that, here too.
        """
        self._discriminate_pair(substep)
        self.discriminator.backward(self._dlogits_d(), self.tape_d, learn=True, need_dx=False)
        self.discriminator.update(Count(self.clock, self.k, self.ahead + substep))

    def g_step(self, substep: int = 0) -> None:
        """G descends its loss on the z at hand; D stands still and none of its weight gradients is computed."""
        self._generate(substep)
        tape = self.tape_d[self.m :]
        tape.layers[-1].y = self.logits_g
        tape.draw = self._draw_of(Stream.DROPOUT_DISCRIMINATOR, substep, self.rows[: self.m])
        self.discriminator.forward(self.condition.for_d(self.pair[self.m :]), tape)
        self._backward_g(tape)
        self.generator.update(Count(self.clock))

    def joint_step(self, substep: int = 0) -> None:
        """Both players move at once: one forward, two backwards over it, then both updates."""
        self._discriminate_pair(substep)
        self.discriminator.backward(self._dlogits_d(), self.tape_d, learn=True, need_dx=False)
        self._backward_g(self.tape_d[self.m :])
        self.discriminator.update(Count(self.clock, self.k, self.ahead + substep))
        self.generator.update(Count(self.clock))

    def draw_x(self, data: Minibatches, substep: int) -> None:
        """Fill x with the substep's minibatch, and y with its labels."""
        draw = self._draw_of(Stream.MIXTURE_MODE, substep, self.rows[: self.m])
        count = Count(self.clock, self.k, self.ahead + substep)
        data.minibatch(draw, count, out=self.x)
        self.condition.draw_y(data, draw, count)

    def draw_z(self, substep: int) -> None:
        """Fill z from the prior."""
        self.prior.draw(self.ops, self._draw_of(Stream.LATENT, substep, self.rows[: self.m]), out=self.z)

    def measure(self, ranks: Ranks = ALONE) -> dict[str, float | None]:
        """What the last iteration saw, D(x) as `belief` has it; V is None where that is no probability.

        Of these ranks' rows.  Waits for the device.
        """
        rows = self.logits[: self.m], self.logits[self.m :], self.logits_g
        real, fake, logits_g = (ranks.joined(self.ops.to_host(some)) for some in rows)
        return {
            "value": value(real, fake) if self.loss.logit else None,
            "d_loss": self.d_weight * float(self.loss.d_loss(real, fake)),
            "g_loss": float(self.loss.g_loss(logits_g)),
            "d_real": float(belief(self.loss, real).mean()),
            "d_fake": float(belief(self.loss, fake).mean()),
        }

    def watch(self, on: bool) -> None:
        """Whether `vital_signs` will be asked for after the coming iteration."""
        self.generator.watched = self.discriminator.watched = on

    def vital_signs(self, ranks: Ranks = ALONE) -> dict[str, float | None]:
        """What tells how the last iteration, which was watched, is faring, on these ranks; waits for the device.

        d_gradient, g_gradient  |gradient| of each player's own loss by all of its weights; D's of its last step
        dead_units              the share of G's relu units that are 0 for the whole minibatch; None without relu
        diversity               the features' mean deviation within G(z), over that within x: 0 once G has collapsed
        """
        halves = (ranks.joined(self.ops.to_host(half)) for half in (self.x, self.pair[self.m :]))
        x, fake = (half.std(axis=0).mean() for half in halves)
        return {
            "d_gradient": self.discriminator.optimiser.gradient_norm(),
            "g_gradient": self.generator.optimiser.gradient_norm(),
            "dead_units": self.generator.network.dead_units(self.ops, self.tape_g, ranks),
            "diversity": float(fake / x) if x else None,
        }

    def _generate(self, substep: int) -> None:
        """G(z) into the lower half of `pair`."""
        self.tape_g.draw = self._draw_of(Stream.DROPOUT_GENERATOR, substep, self.rows[: self.m])
        self.generator.forward(self.condition.for_g(self.z), self.tape_g)

    def _discriminate_pair(self, substep: int) -> None:
        """x above G(z), (2m, n), to logits (2m, 1)"""
        self._generate(substep)
        self.tape_d.draw = self._draw_of(Stream.DROPOUT_DISCRIMINATOR, substep, self.rows)
        self.discriminator.forward(self.condition.for_d(self.pair), self.tape_d)

    def _dlogits_d(self) -> Array:
        """The derivative of w times D's loss; of -w V  (w/m) (D(x) - 1) on real rows, (w/m) D(G(z)) on fake ones."""
        return slopes(self.loss, "d", self.ops, self.logits, self.d_weight, out=self.dlogits_d)

    @property
    def d_weight(self) -> float:
        """The factor w before D's loss."""
        return 0.5 if self.updates == "simultaneous" else 1.0

    def _backward_g(self, tape: Tape) -> None:
        """From D's logits on the fakes down through a frozen D into G."""
        dlogits = slopes(self.loss, "g", self.ops, self.logits_g, out=self.dlogits_g)
        dinput = self.discriminator.backward(dlogits, tape, learn=False, need_dx=True)
        self.generator.backward(self.condition.of_fakes(dinput), self.tape_g, learn=True, need_dx=False)

    def _draw_of(self, stream: int, substep: int, rows: Array) -> Draw:
        return Draw(self.seed, self.clock.iteration, substep, stream, rows)


def check_rules(
    generator: Sequential, discriminator: Sequential, prior: Prior, m: int, k: int, updates: str, classes: int = 0
) -> None:
    """Raise ValueError, in one line, unless the game can be played."""
    if k < 1:
        raise ValueError(f"k = {k}: expected at least one D-step an iteration")
    if m < 1:
        raise ValueError(f"batch size {m}: expected at least 1")
    if updates not in UPDATES:
        raise ValueError(f"updates {updates!r}: expected one of {', '.join(UPDATES)}")
    told = f" and y {classes}" if classes else ""
    if generator.n_in != prior.n + classes:
        raise ValueError(f"G takes {generator.n_in} inputs, but z has {prior.n}{told}")
    if generator.n_out + classes != discriminator.n_in:
        told = f", y has {classes}" if classes else ""
        raise ValueError(f"G makes {generator.n_out} features{told}, but D takes {discriminator.n_in}")
    for name, network in (("G", generator), ("D", discriminator)):
        if isinstance(network.layers[-1], Dropout):
            raise ValueError(f"{name} ends in Dropout: expected dropout on the inputs of layers only")
    if discriminator.n_out != 1:
        raise ValueError(f"D has {discriminator.n_out} outputs: expected 1, the logit of D(x)")
