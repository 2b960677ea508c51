"""Would the tests notice?      python tests/campaigns/mutation.py --sample 300 --json out.json

cosmic-ray (`pip install cosmic-ray`) changes one operator, number or condition of the mathematics at a time, in a copy
of the package, and runs the tests that are there for that file until one fails.  The score is the share of changes that
a test noticed.  Kernels are compiled anew for each, since Numba's cache sees a change in a kernel's own file only.
Annotations are left alone, since nothing evaluates them.  `--sample` takes so many changes at random from all of them,
in proportion to the files.  Exit code 1 below 95%.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE, ORACLE = "tests/game/test_paper_on_a_page.py", "tests/game/test_oracle_torch.py"
TESTS = {
    "game/losses.py": ["tests/game/test_losses.py", PAGE],
    "game/optim.py": ["tests/game/test_optim.py", PAGE],
    "game/schedules.py": ["tests/game/test_optim.py", PAGE],
    "rng.py": ["tests/test_rng.py", PAGE],
    "game/algorithm1.py": [PAGE, ORACLE, "tests/run/test_symptoms.py", "tests/checks/test_gradcheck.py"],
    "layers": ["tests/layers", PAGE, "tests/run/test_symptoms.py", "tests/checks/test_gradcheck.py"],
    "backends/numpy_memory.py": ["tests/backends/test_contract.py", "tests/backends/test_parity.py", PAGE],
    "backends/numpy_ops.py": [
        *("tests/layers", "tests/backends/test_contract.py", "tests/backends/test_parity.py"),
        "tests/game/test_optim.py",
        *("tests/metrics/test_parzen.py", "tests/run/test_symptoms.py", "tests/data/test_batches.py"),
        *("tests/data/test_mixtures.py", "tests/checks/test_gradcheck.py", PAGE),
    ],
    "backends/numba/sparse.py": ["tests/backends/test_sparse.py"],
    "backends/numba/tiles.py": ["tests/backends/test_tiles.py"],
    "backends/numba/vectors.py": ["tests/backends/test_tiles.py", "tests/backends/test_sparse.py"],
}
"""What to change, and the tests that are there to notice: a file of mathematics each, of the package `minigan`."""

CONFIG = """
[cosmic-ray]
module-path = "minigan/{module}"
timeout = {timeout}
excluded-modules = []
test-command = "sh -c 'rm -f {caches}; {python} -m pytest -x -q -p no:cacheprovider {tests}'"
[cosmic-ray.distributor]
name = "local"
"""
CACHES = "minigan/backends/numba/__pycache__/*.nb?"
LEAST = 0.95
KILLED, INCOMPETENT = "killed", "incompetent"


def cosmic_ray(*args: str, cwd: Path) -> str:
    """What cosmic-ray prints."""
    command = [str(Path(sys.executable).with_name("cosmic-ray")), *args]
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations begin and end: ((row, column), (row, column)) of each."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            if (found := getattr(node, name, None)) is not None:
                spans.append(((found.lineno, found.col_offset), (found.end_lineno, found.end_col_offset)))
    return spans


def changes(tree: Path, session: Path) -> list[str]:
    """The numbers of a session's changes that lie in no annotation."""
    spans: dict[str, list] = {}
    found = []
    for line in cosmic_ray("dump", session.name, cwd=tree).splitlines():
        item, _ = json.loads(line)
        (mutation,) = item["mutations"]
        path = mutation["module_path"]
        if path not in spans:
            spans[path] = annotations((tree / path).read_text())
        position = tuple(mutation["start_pos"])
        if not any(start <= position < end for start, end in spans[path]):
            found.append(item["job_id"])
    return found


def keep_only(session: Path, jobs: set[str]) -> None:
    """Leave out all changes of a session but these."""
    with sqlite3.connect(session) as database:
        for (job,) in database.execute("SELECT job_id FROM work_items").fetchall():
            if job not in jobs:
                for table in ("mutation_specs", "work_items"):
                    database.execute(f"DELETE FROM {table} WHERE job_id = ?", (job,))


def tested(tree: Path, session: Path, config: Path) -> list[dict]:
    """Each change of a session, tried: {"change", "noticed"}; those that are no program at all are left out."""
    cosmic_ray("exec", config.name, session.name, cwd=tree)
    found = []
    for line in cosmic_ray("dump", session.name, cwd=tree).splitlines():
        item, result = json.loads(line)
        (mutation,) = item["mutations"]
        if result["test_outcome"] != INCOMPETENT:
            where = f"{mutation['module_path']}:{mutation['start_pos'][0]} {mutation['operator_name'].split('/')[-1]}"
            rows = [row for row in result["diff"].splitlines() if row[:1] in "+-" and row[:3] not in ("+++", "---")]
            found.append(
                {"change": f"{where}: {' '.join(' '.join(rows).split())}", "noticed": result["test_outcome"] == KILLED}
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many changes in all; without it every one")
    parser.add_argument("--only", nargs="*", choices=TESTS, default=list(TESTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds after which a change counts as noticed")
    parser.add_argument("--json")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", "__pycache__", "_build", "runs", "*.egg-info")
        shutil.copytree(ROOT, tree, ignore=ignored)
        sessions, jobs = {}, []
        for module in options.only:
            name = module.replace("/", "-").removesuffix(".py")
            config, session = tree / f"{name}.toml", tree / f"{name}.sqlite"
            tests = " ".join(TESTS[module])
            test = {"timeout": options.timeout, "python": sys.executable, "tests": tests, "caches": CACHES}
            config.write_text(CONFIG.format(module=module, **test))
            cosmic_ray("init", config.name, session.name, cwd=tree)
            sessions[module] = session, config
            jobs += changes(tree, session)
        chosen = set(jobs if options.sample is None else rng.sample(jobs, min(options.sample, len(jobs))))
        result = {}
        print("| file | changes | noticed |\n|---|---|---|")
        for module, (session, config) in sessions.items():
            keep_only(session, chosen)
            found = result[module] = tested(tree, session, config)
            print(f"| {module} | {len(found)} | {sum(change['noticed'] for change in found)} |", flush=True)
    tried = [change for found in result.values() for change in found]
    missed = [change["change"] for change in tried if not change["noticed"]]
    score = 1 - len(missed) / len(tried)
    print(f"\n{score:.1%} of {len(tried)} noticed; {len(jobs)} changes could be made. Not noticed:\n")
    print("\n".join(f"- `{change}`" for change in missed) or "none")
    if options.json:
        summary = {"possible": len(jobs), "tried": len(tried), "noticed": len(tried) - len(missed), "files": result}
        Path(options.json).write_text(json.dumps(summary, indent=1) + "\n")
    sys.exit(score < LEAST)


if __name__ == "__main__":
    main()
