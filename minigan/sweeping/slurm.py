"""The jobs of a sweep as an array of Slurm's: a task for each, which goes on where it was if it is requeued."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from minigan.errors import ConfigError, shortened
from minigan.files.whole_file import replace_text
from minigan.sweeping.jobs import Job

SCRIPT = "array.sh"
SECONDS_TO_SAVE = 60
TEXT = Template("""\
#!/bin/bash
#SBATCH --job-name=$name
#SBATCH --chdir=$here
#SBATCH --array=$tasks
#SBATCH --cpus-per-task=$threads
#SBATCH --output=$output
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@$seconds

case $$SLURM_ARRAY_TASK_ID in
$cases
esac

$python -m minigan.train "$$@" &
run=$$!
trap 'kill -TERM $$run' TERM                   # requeued or cancelled: the run saves, and Slurm does the rest
trap 'again=yes; kill -TERM $$run' USR1        # its time is nearly up: the run saves and queues again
wait $$run; code=$$?
while kill -0 $$run 2>/dev/null; do wait $$run; code=$$?; done
[ -n "$$again" ] && exec scontrol requeue "$$SLURM_JOB_ID"
exit $$code
""")


def write(out: Path, jobs: Sequence[Job], at_once: int | None) -> Path:
    """Write the batch script of an array of these jobs into the sweep's folder; its path.

    at_once  so many tasks at a time, None for as many as Slurm allows
    """
    limit = "" if at_once is None else f"%{at_once}"
    text = TEXT.substitute(
        name=shlex.quote(f"minigan-{out.absolute().name}"),
        here=shlex.quote(str(Path.cwd())),
        tasks=f"0-{len(jobs) - 1}{limit}",
        threads=max(job.config.threads or 1 for job in jobs),
        output=shlex.quote(str(out / "slurm-%a.log")),
        seconds=SECONDS_TO_SAVE,
        cases="\n".join(f"  {i}) set -- {shlex.join(job.arguments)} ;;" for i, job in enumerate(jobs)),
        python=shlex.quote(sys.executable),
    )
    replace_text(out / SCRIPT, text)
    return out / SCRIPT


def check() -> None:
    """Raise ConfigError where there is no Slurm to submit to."""
    if shutil.which("sbatch") is None:
        raise ConfigError("--submit: no sbatch here, expected a machine of a Slurm cluster")


def submit(script: Path) -> str:
    """What sbatch says to the script.  Raises ConfigError where it refuses it."""
    made = subprocess.run(["sbatch", str(script)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise ConfigError(f"--submit: sbatch refuses {script} ({shortened(made.stderr)})")
    return made.stdout.strip()
