"""A run by hand: moves one at a time, each written down, so that all of them can be made again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from minigan.backends import GPU
from minigan.checks.planted_bugs import find, planted
from minigan.data import minibatches
from minigan.errors import ConfigError
from minigan.files import checkpoint
from minigan.game.algorithm1 import Algorithm1, Minibatches
from minigan.game.state import tensors
from minigan.gan import GAN
from minigan.loop.loop import source_of
from minigan.options.config import Config, preset
from minigan.run.start import Start, with_recipe


@dataclass
class Move:
    """A call of a method of `Session`."""

    name: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


class Session:
    """A run of `config` from iteration 0, made of moves.

    bug        the name of the bug that is in (`minigan.checks.planted_bugs`), or None; given: from the beginning
    first      the options, and the bug, that it began with
    base       the preset that its options began from
    data, gan  what it trains on, and what learns
    moves      what has been done
    half       whether D has made its steps of the iteration at hand and G has not

    While a bug is in, all of the process has it; `close` takes it out.  The same moves give the same bits.  Raises
    ConfigError or DataError for what cannot begin.
    """

    def __init__(self, config: Config, bug: str | None = None):
        self._planted = ExitStack()
        self.bug: str | None = None
        self.moves: list[Move] = []
        self.half = False
        if bug is not None:
            config = replace(config, backend="numpy")
            self.put_in(bug)
        try:
            self._begin(config)
        except BaseException:
            self.close()
            raise
        self.first, self.base = (self.options(), bug), preset(config.preset)

    def _begin(self, config: Config) -> None:
        start = Start(config)
        self.config, self.data, self.source, self.gan = start.config, start.data, start.source, start.gan

    def put_in(self, bug: str) -> None:
        """Have a bug in; it is no move, and what has been made before has not got it."""
        self._planted.enter_context(planted(find(bug)))
        self.bug = bug

    def close(self) -> None:
        """Take the bug out that is in."""
        self._planted.close()
        self.bug = None

    # ---- Moves -------------------------------------------------------------------------------------------------

    def play(self, iterations: int = 1) -> None:
        """So many iterations of Algorithm 1; the first ends the one at hand, where D has made its steps."""
        for _ in range(iterations):
            self._end_half() if self.half else self.gan.step(self.source)
        if self.moves and self.moves[-1].name == "play":
            iterations += self.moves.pop().arguments[0]
        self.moves.append(Move("play", (iterations,)))

    def half_step(self, player: str) -> None:
        """One player alone.  "d": D makes its k steps of the iteration at hand.  "g": G makes its step, which ends it.

        One after the other they are an iteration.  D once more begins the next iteration, and G has had no step in
        this one; G without D has a step against the D of before.  Raises ConfigError where both move at once.
        """
        gan, game = self.gan, self.gan.game
        if player not in ("d", "g"):
            raise ConfigError(f"player {player!r}: expected d or g")
        if gan.recipe.updates != "alternating":
            raise ConfigError("--updates simultaneous: both players move at once; expected alternating for half a step")
        if player == "g":
            if gan.recipe.condition and not self.half:
                raise ConfigError("--condition labels: G's step takes those of D's step, expected that before it")
            self._end_half()
        else:
            if self.half:
                self._tick()
            self.source.prepare(gan.iteration, gan.recipe.k, game.ahead)
            d_steps(game, self.source)
            self.half = True
        self.moves.append(Move("half_step", (player,)))

    def change(self, **options: Any) -> None:
        """Play on by another recipe, {option of `Recipe`: value}: a phase begins (`minigan.options.phases`).

        At iteration 0 the run begins with it.  Raises ConfigError for what is out of range, and for what a run keeps.
        """
        recipe = replace(self.gan.recipe, **options).checked
        self._whole()
        if self.gan.iteration == 0:
            self._begin(replace(self.config, **asdict(recipe)))
        else:
            source = self.source
            if recipe.batch_size != self.gan.recipe.batch_size:
                source = minibatches(self.gan.ops, self.data, recipe.batch_size, recipe.seed, recipe.dtype)
            source.prepare(self.gan.iteration, recipe.k)  # refuses a k that the data have not got
            self.gan.change(recipe)
            self.source = source
        self.moves.append(Move("change", (), tuple(options.items())))

    def plant(self, bug: str | None) -> None:
        """From here on with this bug in minigan, or with none.

        Bugs are planted in NumPy's kernels, so the run goes on with those.  Raises ConfigError for an unknown one.
        """
        if bug is not None:
            find(bug)
        self._whole()
        self.close()
        if bug is not None:
            self._to_numpy()
            self.put_in(bug)
        self.gan.change(self.gan.recipe)  # an optimiser that was made before has not got the bug
        self.moves.append(Move("plant", (bug,)))

    # ---- What moves are made of --------------------------------------------------------------------------------

    def _end_half(self) -> None:
        """G's step of the iteration at hand, and its end."""
        g_step(self.gan.game)
        self._tick()

    def _tick(self) -> None:
        self.gan.game.tick()
        self.gan.iteration += 1
        self.half = False

    def _whole(self) -> None:
        """Between two iterations: what else is done begins with the next one."""
        if self.half:
            self.half_step("g")

    def _to_numpy(self) -> None:
        """The same GAN, computed by NumPy."""
        before = self.gan
        self.config = replace(self.config, backend="numpy", threads=None, device=0)
        if before.ops.name == "numpy":
            return
        learnt = before.ops.snapshot(tensors(before.game))()
        after = GAN(before.generator, before.discriminator, before.recipe, "numpy")
        after.begin(before.iterations_per_epoch * before.recipe.k, before.data, before.recipe, before.phases)
        checkpoint.fill(after.ops, tensors(after.game), learnt, Path(before.ops.name))
        after.iteration = before.iteration
        after.game.set_clock(after.iteration)
        self.gan, self.source = after, source_of(after, self.data)

    def options(self) -> Config:
        """The options of the run with the recipe that it has now, with what computes it named."""
        ops = self.gan.ops
        threads = None if ops.name == GPU else ops.threads
        name = cast(Literal["numpy", "numba", "cupy"], ops.name)
        return replace(with_recipe(self.config, self.gan.recipe), backend=name, threads=threads)


def d_steps(game: Algorithm1, data: Minibatches) -> None:
    """The first half of an iteration of Algorithm 1: D's k steps."""
    for substep in range(game.k):
        game.draw_x(data, substep)
        game.draw_z(substep)
        game.d_step(substep)


def g_step(game: Algorithm1) -> None:
    """The second half: G's step."""
    game.draw_z(game.k)
    game.g_step(game.k)
