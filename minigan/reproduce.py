"""`python -m minigan.reproduce`: the whole paper beside minigan, on one page."""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from minigan.errors import ConfigError, did_you_mean, shortened
from minigan.experiments import ORDER
from minigan.experiments.finding import Finding
from minigan.files.whole_file import replace_text
from minigan.options import cli
from minigan.options.console import tell

PROG = "minigan.reproduce"
FINDING = "finding.json"
NEEDS_TRAINING = ("table1", "samples", "inference")


@dataclass(frozen=True)
class Options:
    """Reproduce the paper: every claim measured, and one page, report.html, that lays them beside ours."""

    out: str = "runs/paper"
    """folder for the page and what it is made of; experiments that are there already are not made again"""
    quick: bool = False
    """the embedded digits and mixtures, some minutes in all and no network; without it MNIST, and hours"""
    only: tuple[str, ...] = ()
    """names of experiments; without it all of them"""
    seed: int = 0
    """seed of every random number"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if not self.out:
            raise ConfigError("--out '': expected a folder")
        if Path(self.out).exists() and not Path(self.out).is_dir():
            raise ConfigError(f"--out {self.out}: a file is there, expected a folder or nothing")
        for name in self.only:
            if name not in ORDER:
                raise ConfigError(f"--only {name}: expected some of {', '.join(ORDER)}{did_you_mean(name, ORDER)}")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"--seed {self.seed}: expected 0 to 2^32 - 1")


def wanted(options: Options) -> list[str]:
    """The experiments to show, in the order of the page, with what they need."""
    names = set(options.only or ORDER)
    if names & set(NEEDS_TRAINING):
        names.add("training")
    return [name for name in ORDER if name in names]


def made(folder: Path, quick: bool, seed: int) -> dict[str, Any] | None:
    """What an experiment left when it was done.  Raises ConfigError where it was another form or seed."""
    path = folder / FINDING
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = {name: record[name] for name in ("quick", "seed")}
        finding_of(record, folder), float(record["seconds"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = shortened(str(error))
        raise ConfigError(f"{path}: no record of an experiment ({reason}); removed, it is made anew") from None
    for name, value in (("quick", quick), ("seed", seed)):
        if found[name] != value:
            made_with = f"made with --{name} {found[name]}"
            raise ConfigError(f"--out {folder.parent}: {made_with}; expected the same, or another folder")
    return record


def finding_of(record: dict[str, Any], folder: Path) -> Finding:
    """The Finding in a record: pictures are kept by their names within the folder."""
    fields = dict(record["finding"])
    fields["pictures"] = tuple(folder / name for name in fields["pictures"])
    fields["table"] = tuple(map(tuple, fields["table"]))
    return Finding(**fields)


def perform(name: str, folder: Path, options: Options) -> dict[str, Any]:
    """Run one experiment and leave its record, last of all."""
    module = importlib.import_module(f"minigan.experiments.{name}")
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    finding = module.run(folder, options.seed, options.quick, lambda line: tell(f"  {line}"))
    names = tuple(str(path.relative_to(folder)) for path in finding.pictures)
    record = {
        "finding": asdict(replace(finding, pictures=names)),
        "quick": options.quick,
        "seed": options.seed,
        "seconds": time.perf_counter() - start,
    }
    replace_text(folder / FINDING, json.dumps(record, indent=1) + "\n")
    return record


def command(name: str, options: Options) -> str:
    """The command that makes one experiment anew."""
    return f"python -m minigan.reproduce --only {name}{' --quick' * options.quick} --seed {options.seed} --out DIR"


def seconds(name: str, quick: bool) -> int:
    """About how long an experiment takes on two cores."""
    return importlib.import_module(f"minigan.experiments.{name}").SECONDS[0 if quick else 1]


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    from minigan.experiments.report import VERDICTS, Entry, write

    out, names = Path(options.out), wanted(options)
    out.mkdir(parents=True, exist_ok=True)
    found = {name: made(out / name, options.quick, options.seed) for name in names}
    records = {name: record for name, record in found.items() if record is not None}
    left = [name for name in names if name not in records]
    total = sum(seconds(name, options.quick) for name in left)
    tell(f"{len(left)} of {len(names)} experiments to make, about {duration(total)} on two cores")
    for name in left:
        tell(f"{name}: about {duration(seconds(name, options.quick))}")
        records[name] = perform(name, out / name, options)
    entries = [
        Entry(name, finding_of(r, out / name), command(name, options), options.seed, r["seconds"])
        for name, r in ((name, records[name]) for name in names)
    ]
    form = "Quick form: the embedded digits and mixtures." if options.quick else "Full form."
    write(out / "report.html", entries, f"{form} {sum(e.seconds for e in entries):.0f} seconds in all.")
    for entry in entries:
        _, verdict = VERDICTS[entry.finding.holds]
        print(f"{entry.finding.title:24} {verdict}")
    print(out / "report.html")


def duration(seconds: float) -> str:
    """A time as a person reads it: "40 seconds", "3 minutes"."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


if __name__ == "__main__":
    sys.exit(main())
