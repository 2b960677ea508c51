"""`python -m minigan.export`: a run's generator alone, in half precision, as minigan ships one; or a player for PyTorch
or ONNX (`minigan.exchange`)."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np

from minigan.data import SOURCES
from minigan.errors import CheckpointError, ConfigError
from minigan.files.whole_file import replace_file
from minigan.options import cli
from minigan.options.config import THIS_CALL, Config, preset, shipped_presets
from minigan.options.console import say

PROG = "minigan.export"
INTERVALS = ("log_every", "sample_every", "checkpoint_every", "keep_last", "validate_every")
LEFT_OUT = ("preset", "data", "threads", *INTERVALS, *THIS_CALL)
"""Options that decide no number of the generator, or that name a path."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Write one player of a run to a file. As safetensors: the generator as float16, with a command that trains it
    again, and the versions that made it as the run recorded them; what is too large for float16 stays as it is. For
    PyTorch and ONNX: as precise as the run, taking and making data in their own units."""

    run: str | None = None
    """the run's folder, or one of its checkpoint files: checkpoints/best.safetensors, say"""
    pretrained: str | None = None
    """instead of --run: a generator that ships with minigan: mnist, mnist-conditional"""
    to: Literal["safetensors", "onnx", "torch"] = "safetensors"
    """safetensors for minigan, onnx (extra export), or torch: a state dict of nn.Sequential in safetensors"""
    player: Literal["generator", "discriminator"] = "generator"
    """the discriminator ends in its probability, and is for onnx and torch"""
    out: str
    """FILE.safetensors, or FILE.onnx"""


def command_of(config: Config) -> str:
    """The command line that trains a run like this one: its preset, if minigan has it, and the options that differ."""
    begun_from = config.preset if config.preset in shipped_presets() else Config.preset
    base = preset(begun_from)
    command = ["python", "-m", "minigan.train", "--preset", begun_from]
    for field in fields(Config):
        value = getattr(config, field.name)
        decides = field.name not in LEFT_OUT or field.name == "data" and value in SOURCES
        if decides and value != getattr(base, field.name):
            name = field.name.replace("_", "-")
            if isinstance(value, bool):
                command.append(f"--{name}" if value else f"--no-{name}")
            else:
                command += [f"--{name}", *map(str, value if isinstance(value, tuple) else [value])]
    return shlex.join(command)


def export(run: Path, out: Path) -> None:
    """Write `out` from the newest checkpoint of a run's folder, or from one of its checkpoint files.

    Raises ConfigError where there is no run, CheckpointError where its checkpoint cannot be trusted or its weights are
    not finite, OSError where the disk refuses.
    """
    from minigan import backends
    from minigan.files import checkpoint
    from minigan.files.run_folder import RunFolder
    from minigan.generator.sampler import Sampler

    folder = RunFolder(run.parent.parent if run.is_file() else run)
    config = folder.saved_config()
    path, tensors, header = checkpoint.find(run)
    sampler = Sampler.of(backends.get("numpy"), path, tensors, header)
    kept = {name: header[name] for name in ("recipe", "generator", "data", "iteration", "backend", "threads")}
    sessions = folder.sessions(until=header["iteration"])
    made_by = {"command": command_of(config), "seed": config.seed, "sessions": sessions}
    own = {name: sampler.ops.to_host(view) for name, view in sampler.tensors().items()}
    for name, tensor in own.items():
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} has NaN or infinity, expected finite weights")
    checkpoint.write(out, {name: halved(tensor) for name, tensor in own.items()}, kept | {"made_by": made_by})


def halved(tensor: np.ndarray) -> np.ndarray:
    """In half precision; as it is where a value lies beyond its 65,504."""
    with np.errstate(over="ignore"):
        half = tensor.astype(np.float16)
    return half if np.isfinite(half).all() else tensor


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    cli.new_file("--out", options.out, (".onnx" if options.to == "onnx" else ".safetensors",))
    from minigan.exchange import onnx_graph, portable, torch_layout
    from minigan.generator.sampler import chosen

    source, out = chosen(options.run, options.pretrained), Path(options.out)
    if options.to == "safetensors":
        if options.player == "discriminator":
            raise ConfigError("--player discriminator: expected --to onnx or --to torch")
        if options.run is None:
            replace_file(out, source.read_bytes())
        else:
            export(source, out)
    elif options.to == "onnx":
        onnx_graph.write(portable.read(source, options.player), out)
    else:
        player = portable.read(source, options.player)
        torch_layout.write(player, out)
        say(f"network     {torch_layout.code(player)}")
    say(f"{options.out}: {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(main())
