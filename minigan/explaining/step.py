"""One iteration of Algorithm 1, held open: its graph, its arrays, and any entry of its gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigan.checks.finite_differences import TOLERANCE
from minigan.comparing.apart import apart
from minigan.comparing.replay import Place as Where
from minigan.comparing.replay import Replay
from minigan.comparing.saved_run import SavedRun
from minigan.errors import CheckpointError, ConfigError, OtherNumerics, PassedOver
from minigan.explaining import downwards, upwards
from minigan.explaining.chain import Chain, Difference, chain_of
from minigan.explaining.choice import chosen
from minigan.explaining.formulas import code
from minigan.explaining.nodes import Gradient, Index, Node, Tensor, finite
from minigan.explaining.pictures import histogram, picture, statistics
from minigan.explaining.recording import play_beside
from minigan.explaining.upwards import Place
from minigan.game.algorithm1 import Minibatches
from minigan.gan import GAN

OWN = {"float32": 1e-2, "float64": TOLERANCE}
"""by how much of a gradient's largest entry its precision may move one: sums cancel, and no wrong formula is as near"""
MOVES = {"d": "D-step", "g": "G-step", "joint": "joint step: both players at once"}


class Step:
    """A GAN's coming iteration, played in memory of its own; the GAN stays as it is.

    iteration  its number, the first being 1
    moves      as `minigan.explaining.recording` writes them down
    tensors    {"1.g.generator.0/dW": the array with its place, ...}
    """

    def __init__(self, gan: GAN, source: Minibatches, name: str = ""):
        self.name, self.iteration = name, gan.iteration + 1
        self.recorded = play_beside(gan, source)
        self.moves, self.image_shape = self.recorded.moves, gan.data.get("image_shape")
        bright = not {"contrast", "standard"} & gan.data.keys()
        self.nodes: list[Node] = []
        for number, move in enumerate(self.moves):
            place = Place(self.recorded, move, number, bright)
            self.nodes += [*upwards.nodes(place), *downwards.nodes(place)]
        self.tensors: dict[str, Tensor] = {tensor.name: tensor for node in self.nodes for tensor in node.tensors}
        self._chains: dict[tuple[int, str], Chain] = {}

    @classmethod
    def of_run(cls, folder: Path, iteration: int, say: Callable[[str], None] = lambda said: None) -> Step:
        """An iteration of a run, played again from its nearest checkpoint; `say` is told what takes its time.

        Raises ConfigError where there is no run or no such iteration, CheckpointError where no checkpoint can be
        trusted, and DataError where the data are others by now.  Warns, OtherNumerics, where the iteration comes out
        otherwise than the run's checkpoint of it, as on the kernels of another processor.
        """
        run = SavedRun(folder)
        if not 1 <= iteration <= run.last:
            raise ConfigError(f"--iteration {iteration}: expected 1 to {run.last}, the last that {run.name} has")
        since = nearest(run, iteration)
        replay = Replay(run, since, Where.of(run, since))
        if since < iteration - 1:
            say(f"played again from iteration {since} to {iteration - 1}, on {replay.gan.ops.description}")
        while replay.gan.iteration < iteration - 1:
            replay.begin_phase()
            replay.step()
        replay.begin_phase()
        step = cls(replay.gan, replay.source, run.name)
        hold_to_checkpoint(step, run)
        return step

    # ---- What a viewer asks for ----------------------------------------------------------------------------------

    def graph(self) -> dict[str, Any]:
        """The nodes in the order of Algorithm 1, the edges between them, and the lines of code that computed them."""
        reads = {node.id: node.reads for node in self.nodes}
        read_by = {name: [node for node, read in reads.items() if name in read] for name in reads}
        codes = [code(function) for node in self.nodes for function in node.code]
        game, kinds = self.recorded, [move.kind for move in self.moves]
        several = f" of {kinds.count('d')}" if kinds.count("d") > 1 else ""
        steps = [
            MOVES[kind] + (f" {i + 1}{several}" if several and kind == "d" else "") for i, kind in enumerate(kinds)
        ]
        return {
            "run": self.name,
            "iteration": self.iteration,
            "backend": game.ops.name,
            "on": game.ops.description,
            "precision": str(game.z.dtype),
            "m": game.m,
            "updates": game.updates,
            "tolerance": TOLERANCE,
            "moves": steps,
            "nodes": [node.to_json(read_by[node.id]) for node in self.nodes],
            "edges": [[name, node] for node, read in reads.items() for name in read],
            "code": {one["where"]: one["text"] for one in codes},
        }

    def tensor(self, name: str) -> dict[str, Any]:
        """Shape, statistics, histogram and picture of an array.  Raises ConfigError for a name that is not there."""
        tensor = self._found(name)
        told = {
            "name": name,
            "letter": tensor.letter,
            "says": tensor.says,
            "shape": list(tensor.array.shape),
            "dtype": str(tensor.array.dtype),
            "is_gradient": tensor.gradient is not None,
            "statistics": statistics(tensor.array),
            "histogram": histogram(tensor.array),
            "picture": picture(tensor.array, *self._seen(tensor)),
        }
        return dict(finite(told))

    def entry(self, name: str, index: Sequence[int]) -> dict[str, Any]:
        """One entry: its value; of a gradient also its finite difference and the sum that it is, written out.

        Raises ConfigError for a name or an entry that is not there.
        """
        tensor, at = self._found(name), tuple(index)
        shape = tensor.array.shape
        if len(at) != len(shape) or not all(type(i) is int and 0 <= i < n for i, n in zip(at, shape)):
            raise ConfigError(f"entry {list(index)} of {name}: expected one of shape {shape}")
        return dict(finite(self._entries(tensor, [at])[0]))

    def chosen(self, name: str) -> list[dict[str, Any]]:
        """Those entries of a gradient that a file holds, each with why it was chosen."""
        tensor = self._found(name)
        if tensor.gradient is None:
            return []
        chain, position = self._place(tensor.gradient)
        picked = chosen(tensor, chain, position)
        entries = self._entries(tensor, [index for _, index in picked])
        found = []
        for (why, _), entry in zip(picked, entries):
            near = why == "at a kink" and not entry["crossed"]
            found.append(dict(finite({"why": "near a kink" if near else why} | entry)))
        return found

    @cached_property
    def gradients(self) -> list[str]:
        """The names of the arrays that are derivatives."""
        return [name for name, tensor in self.tensors.items() if tensor.gradient is not None]

    # ---- How it is found -----------------------------------------------------------------------------------------

    def _found(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ConfigError(f"{name}: expected the name of an array of this iteration")
        return self.tensors[name]

    def _seen(self, tensor: Tensor) -> tuple[Any, ...]:
        """What `picture` asks beside the array."""
        if self.image_shape:
            return tensor.pixels, tuple(self.image_shape), tensor.bright
        planar = tensor.at is not None and tensor.at.shape[1] == 2
        return None, (), False, tensor.at if planar else None

    def _place(self, gradient: Gradient) -> tuple[Chain, int]:
        """The loss that it is a derivative of, and by the input of which of its links; or of which its parameter is."""
        key = gradient.move, gradient.player
        if key not in self._chains:
            with np.errstate(over="ignore", invalid="ignore"):
                self._chains[key] = chain_of(self.recorded, self.moves[gradient.move], gradient.player)
        chain = self._chains[key]
        if gradient.what == "l":
            return chain, len(chain.links)
        return chain, chain.starts[gradient.stage] + (gradient.what == "z")

    def _entries(self, tensor: Tensor, indices: list[Index]) -> list[dict[str, Any]]:
        """Entries of one array."""
        told: list[dict[str, Any]] = [{"index": list(index), "value": float(tensor.array[index])} for index in indices]
        gradient = tensor.gradient
        if gradient is None or not indices:
            return told
        chain, position = self._place(gradient)
        with np.errstate(over="ignore", invalid="ignore"):
            if gradient.what in ("x", "z", "l"):
                exact, differences = chain.dx[position], chain.by_input(position, indices)
            else:
                exact = chain.grads[position][gradient.what]
                differences = chain.by_parameter(position, gradient.what, indices)
        largest = float(np.abs(exact).max())
        for entry, index, difference in zip(told, indices, differences):
            entry |= agreement(entry["value"], OWN[tensor.array.dtype.name], float(exact[index]), difference, largest)
            found = gradient.written(index)
            entry["sum"] = None if found is None else found.shown()
        return told


def nearest(run: SavedRun, iteration: int) -> int:
    """The newest checkpoint before an iteration that can be trusted; 0, the beginning, where there is none.

    Warns, PassedOver, of newer ones that cannot.
    """
    for since in sorted((number for number in run.checkpoints if number < iteration), reverse=True):
        try:
            run.read(since)
            return since
        except CheckpointError as error:
            warnings.warn(f"{error}; it is played again from before", PassedOver, stacklevel=3)
    return 0


def hold_to_checkpoint(step: Step, run: SavedRun) -> None:
    """Warn, OtherNumerics, where the run has a checkpoint of the iteration that holds other numbers."""
    if step.iteration not in run.checkpoints:
        return
    with suppress(CheckpointError):
        left = {name: array for move in step.moves for name, array in move.after.items()}
        if found := apart(run.read(step.iteration)[0], left):
            worst = max(found, key=lambda pair: pair.relative)
            said = f"comes out otherwise here than {run.checkpoints[step.iteration]} has it"
            warnings.warn(f"iteration {step.iteration} {said}: {worst.at}, {worst.by}", OtherNumerics, stacklevel=3)


def agreement(value: float, own: float, exact: float, difference: Difference, largest: float) -> dict[str, Any]:
    """A finite difference beside backward in float64, and whether they agree; None where the step crosses a kink.

    They do where they differ by no more than gradcheck's tolerance of the largest entry, beyond what rounding explains;
    and the iteration's own value, in its precision, by no more than `own` of it.
    """
    error, allowed, rounded = abs(exact - difference.value), TOLERANCE * largest, abs(value - exact)
    agrees = error <= allowed + difference.rounding and rounded <= own * largest
    return {
        "exact": exact,
        "difference": difference.value,
        "h": difference.h,
        "error": error,
        "allowed": allowed,
        "rounding": difference.rounding,
        "rounded": rounded,
        "crossed": difference.crossed,
        "agrees": None if difference.crossed else bool(agrees),
    }
