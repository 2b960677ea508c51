"""`python -m minigan.train`: train a GAN.  Without options, on embedded digits, in about half a minute."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from minigan.distributed.ranks import Ranks
from minigan.distributed.together import together
from minigan.errors import ConfigError, in_a_command
from minigan.options import cli
from minigan.options.config import Config, preset, to_toml
from minigan.options.console import say, tell

if TYPE_CHECKING:
    from minigan.gan import GAN
    from minigan.run.trainer import Trainer

PROG = "minigan.train"


def ranks_asked_for(args: list[str]) -> str | None:
    """The value of `--distributed`, which is looked at before all else: rank 0 reads the other options, for all."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--distributed", nargs="?", const="")
    return first.parse_known_args(args)[0].distributed


@in_a_command()
def options(args: list[str], prog: str = PROG) -> Config:
    """Defaults, then the preset (or the resumed run's config.toml), then the flags; `prog` is said to read them."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("--preset")
    first.add_argument("--out")
    first.add_argument("--epochs")
    first.add_argument("--iterations")
    first.add_argument("--resume", nargs="?", const=True)
    try:
        known, _ = first.parse_known_args(args)
    except argparse.ArgumentError as error:
        raise ConfigError(str(error)) from None
    if known.resume not in (None, True, "auto"):
        raise ConfigError(f"--resume {known.resume}: expected nothing, or auto")
    if known.resume == "auto":
        known.resume, args = resumed(args, known.out)
    if known.resume and known.out:
        from minigan.files.run_folder import RunFolder

        base = RunFolder(Path(known.out)).saved_config()
        if known.preset not in (None, base.preset):
            raise ConfigError(f"--preset {known.preset}: the run in {known.out} has {base.preset}")
    else:
        base = preset(known.preset or "digits")
    if known.epochs and not known.iterations:
        base = replace(base, iterations=None)
    config = cli.parse(Config, args, prog, default=base)
    try:
        return config.checked
    except ConfigError as error:
        raise ConfigError(f"{whose(base, str(error))}{error}") from None


def resumed(args: list[str], out: str | None) -> tuple[bool, list[str]]:
    """What `--resume auto` comes to: whether there is a run in `out` to go on with, and the arguments that say so."""
    if out is None:
        raise ConfigError("--resume auto: expected --out DIR, the run to go on with or to begin")
    from minigan.files.run_folder import RunFolder

    there = RunFolder(Path(out)).config.exists()
    at = next(i for i, argument in enumerate(args) if argument in ("--resume", "--resume=auto"))
    after = at + (1 if args[at] == "--resume=auto" else 2)
    return there, [*args[:at], *(["--resume"] if there else []), *args[after:]]


def whose(base: Config, error: str) -> str:
    """The preset's name, if the preset alone has this error already."""
    try:
        _ = base.checked
    except ConfigError as already:
        return f"preset {base.preset}: " if str(already) == error else ""
    return ""


@cli.command(PROG)
def main(args: list[str]) -> None:
    with together(PROG, ranks_asked_for(args)) as ranks:
        command = shlex.join(["python", "-m", PROG, *args])
        config = ranks.first(lambda: options(args))
        train(cast(Config, ranks.agreed(config)), command, ranks)


def train(config: Config, command: str, ranks: Ranks) -> None:
    """What the options ask for."""
    if config.print_config:
        print(to_toml(config), end="")
        return
    if config.dry_run:
        from minigan.run.dry_run import dry_run

        say("\n".join(dry_run(config)))
        return
    from minigan.loop.progress import COMPILING
    from minigan.run.trainer import Trainer

    if ranks.rank:
        from minigan.run.follower import Follower

        Follower(config).run()
        return
    trainer = Trainer(config, command)
    announce(trainer)
    with trainer.gan.ops.compiling(lambda: trainer.progress.warn(COMPILING)):
        trainer.run()
    report(trainer)


def announce(trainer: Trainer) -> None:
    """Say on standard error what begins."""
    from minigan.loop.progress import opening

    gan, config = trainer.gan, trainer.config
    if config.resume and gan.iteration == 0:
        tell(f"{trainer.folder.checkpoints}: no checkpoint there, so the run begins anew")
    for phase in trainer.phases:
        if phase.iteration == gan.iteration:
            tell(f"a phase begins at iteration {phase.iteration}: {phase.said}")
    begins = opening(trainer.data, gan, trainer.total - gan.iteration)
    tell(f"{begins}{passed_over(config, gan)}; files in {trainer.folder.path}")


def passed_over(config: Config, gan: GAN) -> str:
    """Which backend `auto` could not take, and why."""
    from minigan.backends import why_no_gpu, why_no_numba
    from minigan.game.work import WORTH_COMPILING, multiplications

    if config.backend != "auto" or multiplications(gan.generator, gan.discriminator, gan.recipe) < WORTH_COMPILING:
        return ""
    match gan.ops.name:
        case "numba" if config.threads is None:
            return f" (no GPU: {why_no_gpu(config.device)})"
        case "numpy":
            return f" (no numba: {why_no_numba()})"
    return ""


def report(trainer: Trainer) -> None:
    """Where the run's files are."""
    folder, iteration = trainer.folder, trainer.gan.iteration
    if trainer.stop_signal is not None:
        say(f"stopped at iteration {iteration} of {trainer.total}; go on with --out {folder.path} --resume")
    else:
        say(f"picture     {folder.picture(iteration)}")
    if folder.metrics.exists():
        say(f"metrics     {folder.metrics}")
    say(f"checkpoint  {folder.checkpoint(iteration)}")


if __name__ == "__main__":
    sys.exit(main())
