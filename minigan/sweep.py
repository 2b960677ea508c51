"""`python -m minigan.sweep`: train with several seeds and settings, side by side, to one table and one picture."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from minigan.errors import ConfigError
from minigan.files.whole_file import replace_text
from minigan.options import cli
from minigan.options.config import Config
from minigan.options.console import say, tell

if TYPE_CHECKING:
    from minigan.sweeping.folder import SweepFolder
    from minigan.sweeping.jobs import Job

PROG = "minigan.sweep"
NOT_OURS = {"seed": "--seeds", "resume": "no flag, it goes on by itself", "phases": "runs of one recipe"}
"""Options of a run that a sweep does not take, and what it takes."""
NOT_OURS |= {"dry_run": "--dry-run of minigan.train", "print_config": "--print-config of minigan.train"}
NOT_OURS |= {"distributed": "mpiexec and --distributed of minigan.train"}


@dataclass(frozen=True)
class Options(Config):
    """Train with several seeds and settings: each an ordinary run below --out, several at once, one thread each unless
    --threads says more.  The same command goes on where it was stopped.  All options of a run hold for all of them."""

    seeds: str | None = None
    """0-9 or 1,2,5; without it the preset's own"""
    grid: tuple[str, ...] = ()
    """OPTION=VALUE,VALUE ...: every combination, such as --grid lr=.05,.1 k=1,2"""
    jobs: int | None = None
    """runs at once; without it as many as there are cores for"""
    slurm: bool = False
    """train nothing, and write --out/array.sh for sbatch: an array of one task a run"""
    submit: bool = False
    """submit it as well"""

    def check(self) -> None:
        """Raise ConfigError for the first option that a sweep cannot take."""
        for name, expected in NOT_OURS.items():
            if getattr(self, name) != getattr(Config, name):
                raise ConfigError(f"--{name.replace('_', '-')}: not of a sweep, expected {expected}")
        if not self.out:
            raise ConfigError("--out: missing, expected the sweep's folder")
        if self.jobs is not None and self.jobs < 1:
            raise ConfigError(f"--jobs {self.jobs}: expected at least 1")
        if self.submit and not self.slurm:
            raise ConfigError("--submit: expected --slurm too")


OURS = {f.name for f in fields(Options)} - {f.name for f in fields(Config)} | {"out"}


def for_runs(args: list[str]) -> list[str]:
    """The arguments that are a run's and not the sweep's own."""
    rest, of_a_run = [], True
    for argument in args:
        if cli.FLAG.match(argument):
            name = argument.partition("=")[0].removeprefix("--").removeprefix("no-").replace("-", "_")
            of_a_run = name not in OURS
        rest += [argument] * of_a_run
    return rest


@cli.command(PROG)
def main(args: list[str]) -> int:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan import train
    from minigan.sweeping import slurm
    from minigan.sweeping.folder import SweepFolder
    from minigan.sweeping.grid import grid_of, seeds_of
    from minigan.sweeping.jobs import jobs_of

    if options.submit:
        slurm.check()
    base, grid = train.options(for_runs(args), PROG), grid_of(options.grid)
    seeds = [base.seed] if options.seeds is None else seeds_of(options.seeds)
    settings = {name: train.options([*for_runs(args), *flags], PROG) for name, flags in grid.items()}
    folder = SweepFolder(Path(str(options.out)))
    jobs = jobs_of(folder.path, settings, seeds, here=not options.slurm)
    folder.claim(base, jobs)
    command = shlex.join(["python", "-m", PROG, *args])
    return queued(folder, jobs, options) if options.slurm else made(folder, jobs, options, command)


def queued(folder: SweepFolder, jobs: Sequence[Job], options: Options) -> int:
    """Write the array of the runs that have not ended, and submit it if asked to."""
    from minigan.sweeping import slurm
    from minigan.sweeping.ends import UNFINISHED, end_of

    left = [job for job in jobs if end_of(job) == UNFINISHED]
    if not left:
        say(f"all {len(jobs)} runs have ended; the same command without --slurm makes the table")
        return 0
    script = slurm.write(folder.path, left, options.jobs)
    say(f"{len(left)} tasks   {script}")
    if options.submit:
        say(slurm.submit(script))
    return 0


def made(folder: SweepFolder, jobs: Sequence[Job], options: Options, command: str) -> int:
    """Make the runs, then the table and the picture.  1 if a run crashed."""
    from minigan.sweeping import picture, table
    from minigan.sweeping.ends import UNFINISHED
    from minigan.sweeping.progress import Progress
    from minigan.sweeping.scheduler import Scheduler, cores_for

    scheduler = Scheduler(jobs, options.jobs or cores_for(jobs), Progress(folder.path, jobs))
    scheduler.run()
    crashed = scheduler.crashed
    found = table.numbers(jobs, crashed)
    if left := sum(run["end"] == UNFINISHED for run in found["runs"]):
        say(f"{len(jobs) - left} of {len(jobs)} runs have ended, the others are saved; go on with {command}")
        return 0
    alone = Path(jobs[0].config.preset).stem
    text = table.markdown(found, alone)
    replace_text(folder.numbers, json.dumps(found, indent=1) + "\n")
    replace_text(folder.table, text)
    picture.draw(jobs, alone, folder.picture)
    for job, why in crashed.items():
        tell(f"crashed: {job.folder.path}: {why}; its log is {job.log}")
    say(f"{text}\ntable       {folder.table}, {folder.numbers.name}\npicture     {folder.picture}")
    return cli.FAILED if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
