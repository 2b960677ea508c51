"""Can a damaged file deceive minigan?     python tests/campaigns/fuzz.py [--files 2000] [--seed 0] [--json out.json]

Small valid files of every format that the loaders read are damaged in ways that disks, networks and malice damage
them, and each is given to what `--data`, `--preset` or `--run` calls.  A file has to end in one of two ways:

    refused   by an error that minigan's commands print as one line, which names the file
    right     loaded, and equal to what the bytes say when read without minigan (`fuzz_oracles.py`)

Counted against it are any other exception or a crash (traceback), other values (wrong), and a peak of memory above
4 times the file and what was loaded of it, and 16 MiB.  Files that fail are kept; --only NUMBER makes one again.
Exit code 1 if there is any.  Memory is measured on Linux alone.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import fuzz_oracles as oracles
import numpy as np
from fuzz_formats import FORMATS, IN_RUN, Format
from fuzz_mutations import damaged

MIB = 1 << 20
TIMES, BESIDES = 4, 16 * MIB
LONGEST_LINE, LONGEST_SECONDS = 1000, 60
COLUMNS = ("files", "refused", "right", "traceback", "wrong", "over")


@dataclass(frozen=True)
class Case:
    """An input: its files by name, the one to open, and which of them is damaged how, with its content before."""

    form: Format
    files: dict[str, bytes]
    source: str
    target: str
    how: str
    before: bytes


def case(seed: int, number: int) -> Case:
    """The same for the same numbers."""
    random = Random(f"{seed} {number}")
    form = FORMATS[number % len(FORMATS)]
    files, source, target = form.make(random)
    how, content = damaged(form, files[target], random)
    return Case(form, files | {target: content}, source, target, how, files[target])


def write(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def load(form: Format, path: Path):
    """What minigan makes of it, by the way that the option takes."""
    match form.option:
        case "data":
            from minigan.data import load

            data = load(str(path))
            return data.train, data.validation, data.test
        case "preset":
            from minigan.train import options

            return options(["--preset", str(path)])
        case _:
            from minigan import GAN
            from minigan.files.run_folder import RunFolder
            from minigan.generator.sampler import Sampler

            if path.is_dir():
                RunFolder(path).saved_config()
            sampler = Sampler.load(path)
            sampler.sample(2)
            weights = {name: np.array(view) for name, view in sampler.params.items()}
            if form.name == "checkpoint":
                whole = {name: np.array(view) for name, view in GAN.load(path).sampler().params.items()}
                assert same(tuple(weights.values()), tuple(whole.values()))
            return weights


def same(one: tuple, other: tuple) -> bool:
    """Whether two tuples of arrays, or None, are equal in shape, dtype and every bit pattern of a number."""
    return len(one) == len(other) and all(
        a is b is None
        or a is not None
        and b is not None
        and a.dtype == b.dtype
        and np.array_equal(a, b, equal_nan=True)
        for a, b in zip(one, other)
    )


def is_right(case: Case, folder: Path, loaded) -> bool:
    """Whether minigan loaded what the files say."""
    form, path, content = case.form, folder / case.source, case.files[case.target]
    if form.option == "preset":
        said = {name: tuple(v) if isinstance(v, list) else v for name, v in oracles.options(path).items()}
        # The flag --preset goes over what the file calls itself.
        return all(getattr(loaded, name) == value for name, value in said.items() if name != "preset")
    if form.option == "run":
        said = oracles.generator(path / IN_RUN if path.is_dir() else path)
        return said.keys() == loaded.keys() and same(tuple(loaded.values()), tuple(said[name] for name in loaded))
    if form.name.startswith("IDX"):
        return same(loaded, oracles.mnist(path))
    if form.name.startswith("CIFAR-10"):
        batches = oracles.in_archive(content) if path.is_file() else {p.name: p.read_bytes() for p in path.iterdir()}
        return any(same(loaded, said) for said in oracles.cifar10(batches))
    if form.name.startswith("TFD"):
        return same(loaded, oracles.tfd(path))
    if form.name in ("npy", "npz"):
        return same(loaded, oracles.arrays(path))
    if case.before.startswith(content) or content.startswith(b"\x89PNG") and not oracles.is_sound_png(content):
        # Of a picture that is cut, or whose checksum tells of damage, only what it was before may be seen.
        (folder / case.target).write_bytes(case.before)
    return same(loaded, oracles.pictures(path))


def memory(field: str) -> int:
    """VmRSS, or VmHWM: the most since it was last reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise ValueError(field)


def measured(form: Format, path: Path) -> tuple[object, Exception | None, int, float]:
    """(loaded, error, the most bytes above what was held before, seconds)."""
    loaded, error, watch = None, None, Path("/proc/self/clear_refs").exists()
    if watch:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = memory("VmRSS")
    begin = time.perf_counter()
    try:
        loaded = load(form, path)
    except (Exception, SystemExit) as raised:
        error = raised
    seconds = time.perf_counter() - begin
    return loaded, error, max(0, memory("VmHWM") - before) if watch else 0, seconds


def size_of(loaded) -> int:
    values = loaded.values() if isinstance(loaded, dict) else loaded if isinstance(loaded, tuple) else ()
    return sum(value.nbytes for value in values if value is not None)


def verdict(case: Case, folder: Path) -> dict:
    """What becomes of an input."""
    from minigan.data import DataError
    from minigan.errors import CheckpointError, ConfigError

    write(folder, case.files)
    loaded, error, peak, seconds = measured(case.form, folder / case.source)
    said = ""
    if error is None:
        try:
            end = "right" if is_right(case, folder, loaded) else "wrong"
        except Exception as cannot:
            end, said = "wrong", f"loaded, but nothing else reads it: {cannot!r}"
    else:
        said = str(error)
        clear = (
            "\n" not in said
            and len(said) <= LONGEST_LINE
            and any(name in said for name in (str(folder), Path(case.target).name))
        )
        end = "refused" if isinstance(error, (DataError, ConfigError, CheckpointError)) and clear else "traceback"
        if case.how == "nothing":
            end, said = "wrong", f"refused, though nothing was done to it: {said}"
        elif end == "traceback":
            said = "".join(traceback.format_exception(error))
    honest = sum(map(len, case.files.values())) + size_of(loaded)
    over = peak > TIMES * honest + BESIDES
    return dict(format=case.form.name, how=case.how, end=end, said=said, peak=peak, over=over, seconds=seconds)


def work(seed: int, first: int, files: int, pipe) -> None:
    """Send one verdict after the other."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "case")
        for form in FORMATS:
            # What is imported on the first use is no file's memory.
            contents, source, _ = form.make(Random(0))
            write(folder, contents)
            load(form, folder / source)
        for number in range(first, files):
            pipe.send(verdict(case(seed, number), folder))


def verdicts(seed: int, files: int) -> Iterator[dict]:
    """Of all files, from a process that is begun anew when a file ends or stops it."""
    spawn, number = multiprocessing.get_context("spawn"), 0
    while number < files:
        ours, theirs = spawn.Pipe()
        worker = spawn.Process(target=work, args=(seed, number, files, theirs))
        worker.start()
        theirs.close()
        try:
            while number < files and ours.poll(LONGEST_SECONDS):
                yield ours.recv() | {"number": number}
                number += 1
        except EOFError:
            pass
        if number < files:
            lost = case(seed, number)
            said = f"no answer after {LONGEST_SECONDS} s" if worker.is_alive() else "the process crashed"
            row = dict(format=lost.form.name, how=lost.how, end="traceback", said=said, peak=0, over=False, seconds=0)
            yield row | {"number": number}
            number += 1
        worker.kill()
        worker.join()


def table(found: list[dict]) -> str:
    lines = [f"| format | {' | '.join(COLUMNS)} | peak, MiB | slowest, s |", "|---" * (len(COLUMNS) + 3) + "|"]
    for name in [*(form.name for form in FORMATS), "all"]:
        rows = [row for row in found if name in (row["format"], "all")]
        ends = [sum(row["end"] == end for row in rows) for end in COLUMNS[1:5]]
        counts = [len(rows), *ends, sum(row["over"] for row in rows)]
        peak, slowest = (max((row[key] for row in rows), default=0) for key in ("peak", "seconds"))
        lines.append(f"| {name} | {' | '.join(map(str, counts))} | {peak / MIB:.1f} | {slowest:.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to write the counts and the failures")
    parser.add_argument("--keep", type=Path, default=Path("out/fuzz"), help="where files that fail are kept")
    parser.add_argument("--only", type=int, help="make this file alone, load it and say what became of it")
    chosen = parser.parse_args()
    if chosen.only is not None:
        folder = chosen.keep / f"{chosen.seed}-{chosen.only}"
        print(json.dumps(verdict(case(chosen.seed, chosen.only), folder), indent=1))
        return 0
    found, failures = [], []
    for row in verdicts(chosen.seed, chosen.files):
        found.append(row)
        if row["over"] or row["end"] not in ("refused", "right"):
            failures.append(row)
            write(chosen.keep / f"{chosen.seed}-{row['number']}", case(chosen.seed, row["number"]).files)
    print(table(found))
    if failures:
        print(f"\n{len(failures)} failures, kept in {chosen.keep}/{chosen.seed}-NUMBER:", file=sys.stderr)
        for row in failures[:20]:
            print(row["number"], row["format"], row["how"], row["end"], row["said"].strip()[-200:], file=sys.stderr)
    if chosen.json:
        counts = {name: sum(row["end"] == name for row in found) for name in COLUMNS[1:5]}
        summary = dict(files=len(found), seed=chosen.seed, **counts, over=sum(row["over"] for row in found))
        chosen.json.write_text(json.dumps(summary | {"table": table(found), "failures": failures}, indent=1))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
