"""A Slurm of one node in a folder of its own, as root, from Debian's packages slurm-wlm and munge."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue")
CONFIGURATION = """\
ClusterName=little
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP
"""
SECONDS_TO_COME_UP = 120


def why_not() -> str | None:
    """Why no Slurm can be started here; None where one can."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=sbin()) is None]:
        return f"no {', '.join(missing)} here (Debian: apt-get install slurm-wlm munge)"
    return None if os.getuid() == 0 else "Slurm's daemons are started as root"


def sbin() -> str:
    """PATH with the folders where daemons are."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class LittleSlurm:
    """Started in an empty folder; `environment` is what its commands need.  `stop` ends it."""

    def __init__(self, folder: Path):
        host = socket.gethostname().partition(".")[0]
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        (folder / "slurm.conf").write_text(CONFIGURATION.format(host=host, folder=folder, ports=free_ports(2)))
        (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        self.folder = folder
        self.environment = os.environ | {"PATH": sbin(), "SLURM_CONF": str(folder / "slurm.conf")}
        munge = [f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key", "--foreground", "--force"]
        munge += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
        self.daemons = [self._daemon("munged", *munge)]
        self._until((folder / "munge.socket").exists)
        self.daemons += [self._daemon("slurmctld", "-D"), self._daemon("slurmd", "-D", "-N", host)]
        self._until(lambda: self.said("sinfo", "--noheader", "--format=%T").startswith("idle"))

    def _daemon(self, *command: str) -> subprocess.Popen:
        with open(self.folder / f"{command[0]}.out", "wb") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=self.environment)

    def _until(self, holds) -> None:
        deadline = time.monotonic() + SECONDS_TO_COME_UP
        while not holds():
            if time.monotonic() > deadline:
                self.stop()
                raise TimeoutError(
                    f"Slurm does not come up: {[p.read_text()[-500:] for p in self.folder.glob('*.out')]}"
                )
            time.sleep(0.05)

    def said(self, *command: str) -> str:
        """What a command of Slurm's says."""
        made = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        return made.stdout if made.returncode == 0 else ""

    def stop(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()
