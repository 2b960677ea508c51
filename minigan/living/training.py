"""The thread that trains: between two iterations it takes commands, and a picture where one is wanted and due."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from minigan.errors import ConfigError, one_line
from minigan.explaining.step import Step
from minigan.living import choices, drawing, repeat
from minigan.living.curves import Curves, references
from minigan.living.opened import Opened
from minigan.living.session import Session
from minigan.living.views import view_of
from minigan.loop.progress import COMPILING
from minigan.options import config as presets
from minigan.options.config import Config

CHANGES = ("k", "lr", "loss", "updates")
"""Options that the page changes while a run goes on."""
SECONDS_OF_A_RATE = 0.5
PICTURES_A_SECOND, SHARE, LONGEST_REST = 5, 0.05, 1.0
"""Pictures take this share of the time of a run that plays, more only where one takes so long that they would be rare:
after so many seconds there is another."""


class Training(Opened):
    """A run that plays, pauses and changes as it is asked to.

    session  the run; only this thread touches it once the thread has started

    Raises ConfigError or DataError for what cannot begin, and for data that would have to be fetched.
    """

    _playing: bool
    _said: str
    _numbers: dict[str, Any]
    _curves: Curves
    _rate: float | None = None
    _next_picture = 0.0
    _unread = False
    COMMANDS = ("play", "pause", "step", "half", "change", "restart", "draw", "plant", "pace", *Opened.COMMANDS)

    def __init__(self, config: Config):
        super().__init__()
        if not choices.is_here(config.data):
            fetches = "expected it in MINIGAN_DATA, or minigan.train to fetch it once"
            raise ConfigError(
                f"--preset {config.preset}: no {config.data} here, and the page fetches nothing; {fetches}"
            )
        self.session = Session(config)
        self._backend, self._threads = config.backend, config.threads
        self._folder = TemporaryDirectory(prefix="minigan-live-")
        self._drawings = 0
        self._gap, self._said = 0.0, ""
        self._anew()

    # ---- The thread --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until `stop`."""
        command: str | None = None
        with np.errstate(all="ignore"):
            while not self._ended:
                if self._playing:
                    self._playing_on()
                    command = None
                    continue
                if command not in Opened.COMMANDS:  # which change nothing
                    self._show()
                command = self._do_next(None)
        self.session.close()
        self._folder.cleanup()

    def _playing_on(self) -> None:
        """Iterations until a command changes what is to be done."""
        ops = self.session.gan.ops
        with ops.session(), ops.compiling(self._compiling):
            self._rate, self._since = None, (time.perf_counter(), self.session.gan.iteration)
            while self._playing:
                begun = time.perf_counter()
                with suppress(Exception):  # `_move` has paused the run and says why
                    self._move(partial(self.session.play, 1))
                if self.newest.wanted and begun >= self._next_picture:
                    self._show()
                gap = self._gap - (time.perf_counter() - begun)
                command = self._do_next(max(0.0, gap))
                if command is not None and command not in Opened.COMMANDS:
                    self._next_picture = 0.0
                    return  # what it was may have made another session

    def _move(self, move: Callable[[], None]) -> None:
        """A move, and its numbers where curves, or a run that stands, want them.  An error pauses the run."""
        session = self.session
        try:
            move()
            self._unread = True
            due = not session.half and self._curves.due(session.gan.iteration)
            if due or not self._playing:
                self._read()
            if due:
                self._curves.add(session.gan.iteration, self._numbers)
        except Exception as error:
            self._playing, self._said = False, f"iteration {session.gan.iteration}: {one_line(error)}"
            raise

    def _read(self) -> None:
        """The numbers of the last move, unless they have been read; what is not finite pauses the run."""
        if not self._unread:
            return
        numbers: dict[str, Any] = self.session.gan.game.measure()
        if self.session.half:  # G's loss is of an earlier step, or of none
            numbers["g_loss"] = self._numbers.get("g_loss")
        self._numbers, self._unread = numbers, False
        if not np.isfinite([number for number in numbers.values() if number is not None]).all():
            advice = "a loss is not finite; try a smaller learning rate, and begin anew"
            self._playing, self._said = False, f"iteration {self.session.gan.iteration}: {advice}"

    def _between(self) -> None:
        """Before another game takes the place of this one: end the iteration at hand, and read its numbers."""
        if self.session.half:
            self._move(partial(self.session.half_step, "g"))
        self._read()

    def _compiling(self) -> None:
        """Say why nothing moves."""
        self.newest.show({**self.newest.picture.content, "said": COMPILING})

    # ---- Commands ----------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Go on until `pause`; the page is told before the first iteration, which may take long."""
        if not self._playing:
            self.newest.show({**self.newest.picture.content, "playing": True, "said": ""})
        self._playing, self._said = True, ""

    def pause(self) -> None:
        """Stand still after the iteration at hand."""
        self._playing = False

    def step(self) -> None:
        """Pause, and one iteration; or what is left of the one at hand."""
        self._playing = False
        self._move(partial(self.session.play, 1))

    def half(self, player: str) -> None:
        """Pause, and half a step of "d" or "g"."""
        self._playing = False
        self._move(partial(self.session.half_step, player))

    def change(self, **options: Any) -> None:
        """Go on by another recipe."""
        if odd := options.keys() - set(CHANGES):
            raise ConfigError(f"{min(odd)}: expected one of {', '.join(CHANGES)}")
        self._between()
        anew = self.session.gan.iteration == 0
        self.session.change(**options)
        if anew:
            self._look()

    def restart(self, preset: str | None = None, seed: int | None = None, bug: str | None = None) -> None:
        """Begin anew: with another preset, or else the options of now; with another seed; with a bug in."""
        config = self.session.options()
        if preset is not None:
            if preset not in (known := choices.presets()):
                raise ConfigError(f"preset {preset}: expected one of {', '.join(known)}")
            config = replace(presets.preset(preset), seed=config.seed)
        self._begin(config if seed is None else replace(config, seed=seed), bug)

    def draw(self, points: Sequence[Sequence[float]]) -> None:
        """Begin anew on examples around points of the plane that were drawn: [[x, y], ...]."""
        config = self.session.options()
        path = Path(self._folder.name) / f"drawn-{self._drawings + 1}.npy"
        drawing.write(path, points)
        self._drawings += 1
        if self.session.gan.generator.n_out != 2:
            config = replace(presets.preset("ring"), seed=config.seed)
        self._begin(replace(config, data=str(path)), None)

    def plant(self, bug: str | None) -> None:
        """From here on with this bug, or with none."""
        self._between()
        before = self.session.gan
        self.session.plant(bug)
        if self.session.gan is not before:
            self._look()

    def pace(self, iterations_a_second: float | None) -> None:
        """At most so many iterations a second; None: as many as there can be."""
        if iterations_a_second is not None and not 0.1 <= iterations_a_second <= 1000:
            raise ConfigError(f"pace {iterations_a_second}: expected 0.1 to 1000 iterations a second")
        self._gap = 0.0 if iterations_a_second is None else 1 / iterations_a_second

    def coming_step(self) -> Step:
        """The next iteration, played beside the run.  Raises ConfigError in the middle of one."""
        if self.session.half:
            raise ConfigError("D has made its steps of this iteration: expected G's step before another is opened")
        return Step(self.session.gan, self.session.source)

    # ---- What they are made of ---------------------------------------------------------------------------------

    def _begin(self, config: Config, bug: str | None) -> None:
        """Another session, on the backend that was asked for; where it cannot begin, the one at hand stays."""
        before = self.session.bug
        self.session.close()
        try:
            self.session = Session(replace(config, backend=self._backend, threads=self._threads), bug)
        except BaseException:
            if before is not None:
                self.session.put_in(before)
            raise
        self._anew()

    def _anew(self) -> None:
        """Nothing has been played yet, and nothing said."""
        self._playing, self._said, self._since = False, "", (0.0, 0)
        self._numbers, self._unread, self._curves = {}, False, Curves()
        self._look()

    def _look(self) -> None:
        """At a GAN that was not there before."""
        self._view = view_of(self.session.gan, self.session.data)
        self._next_picture = 0.0

    def _show(self) -> None:
        """Make a picture of now.  One that fails is told, and the run goes on."""
        begun = time.perf_counter()
        self._read()
        try:
            with self.session.gan.ops.compiling(self._compiling):
                seen = self._view.content()
        except Exception as error:
            seen = {"kind": "numbers", "failed": one_line(error)}
        self.newest.show({**self._state(), **seen})
        now = time.perf_counter()
        rest = min(LONGEST_REST, (now - begun) * (1 / SHARE - 1))
        self._next_picture = max(begun + 1 / PICTURES_A_SECOND, now + rest)

    def _state(self) -> dict[str, Any]:
        """Where the run is, and how to come there again."""
        session, gan = self.session, self.session.gan
        now, (since, done), recipe = time.perf_counter(), self._since, gan.recipe
        if self._playing and now - since > SECONDS_OF_A_RATE:
            self._rate, self._since = (gan.iteration - done) / (now - since), (now, gan.iteration)
        return {
            "mode": "training",
            "iteration": gan.iteration,
            "epoch": gan.iteration / gan.iterations_per_epoch,
            "playing": self._playing,
            "half": session.half,
            "rate": self._rate if self._playing else None,
            "numbers": self._numbers,
            "recipe": {name: getattr(recipe, name) for name in (*CHANGES, "seed", "prior", "latent", "batch_size")},
            "lr_now": gan.game.clock.lr_schedule(gan.iteration),
            "preset": session.config.preset,
            "data": Path(session.config.data).name,
            "backend": gan.ops.name,
            "phases": [f"{phase.iteration}: {phase.said}" for phase in gan.phases],
            "bug": session.bug,
            "said": self._said,
            "command": self._told(repeat.command(session)),
            "why_no_command": repeat.why_no_command(session),
            "program": self._told(repeat.program(session)),
            "curves": self._curves.content(),
            "references": references(recipe),
        }

    def _told(self, text: str | None) -> str | None:
        """A text without the folder of drawings, which the page gives out by their names."""
        return None if text is None else text.replace(f"{self._folder.name}/", "")

    def drawn(self, name: str) -> Path | None:
        """The file of a drawing."""
        known = {f"drawn-{i + 1}.npy" for i in range(self._drawings)}
        return Path(self._folder.name) / name if name in known else None
