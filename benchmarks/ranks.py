"""How an iteration scales over ranks, beside PyTorch's DistributedDataParallel on gloo: `scaling.py --distributed`.

    mpiexec -n 2 python benchmarks/scaling.py --distributed --batches 100,1000 --json out.json

Weak: each rank has m examples of its own.  Strong: the ranks share m.  A case's contenders take turns in one job on
the same ranks, each on its share of the cores.  `alone` is rank 0 with its m, while the others sleep; `apart` are all
ranks at once, each with m and without sums, so that what is lost from `alone` to `apart` is the machine's memory, and
from `apart` on the sums.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from dataclasses import replace

import numpy as np

from benchmarks.peers.ours import MiniGAN
from benchmarks.peers.recipe import MNIST, initial_weights
from benchmarks.step import EXAMPLES, LOSS_TOLERANCE, PAUSE, machine, versions
from minigan.distributed.ranks import Ranks, ranks_of


def waiting(ranks: Ranks) -> None:
    """Until all are here, asleep: MPI's own barrier spins, and would take a core from who is measured."""
    barrier = ranks.comm.Ibarrier()
    while not barrier.Test():
        time.sleep(0.005)


def contenders_of(ranks: Ranks, m: int, backend: str, ddp: bool) -> dict:
    """{name: (what trains, whether all ranks take part)}, with m examples a rank."""
    weights = initial_weights(MNIST, seed=0)
    own, shared = replace(MNIST, batch_size=m), replace(MNIST, batch_size=m * ranks.size)
    threads = ranks.threads or len(os.sched_getaffinity(0))
    lone = MiniGAN(own, weights, 0, backend, threads)
    found = {"alone": (lone, False), "apart": (lone, True)}
    if ranks.size > 1:
        for name in ("mpi", "mpi-ordered"):
            found[name] = MiniGAN(shared, weights, 0, backend, threads, distributed=name), True
    if ddp:
        import torch

        from benchmarks.peers.torch_ddp import DDPGAN

        torch.set_num_threads(threads)
        found["torch DDP"] = DDPGAN(own, weights, 0), True
    examples = np.random.default_rng(1).integers(0, 256, (max(EXAMPLES, 3 * shared.batch_size), 784), dtype=np.uint8)
    for contender, _ in found.values():
        contender.set_data(examples)
    return found


def check_losses(found: dict) -> None:
    """PyTorch's losses on our numbers are ours; ends the program where they are not."""
    if "torch DDP" in found:
        x, z, masks, losses = found["alone"][0].numbers()
        theirs = found["torch DDP"][0].losses(x, z, masks)
        if not np.allclose(theirs, losses, rtol=0, atol=LOSS_TOLERANCE):
            sys.exit(f"torch DDP: losses {theirs}, ours {losses}: expected equal to {LOSS_TOLERANCE}")


def measure(ranks: Ranks, found: dict, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds an iteration, of the slowest rank: {name: one entry a round}."""

    def turn(name: str, n: int) -> float:
        contender, together = found[name]
        waiting(ranks)
        time.sleep(PAUSE)
        waiting(ranks)
        start = time.perf_counter()
        if together or ranks.rank == 0:
            contender.iterate(n)
        spent = time.perf_counter() - start
        waiting(ranks)
        return max(ranks.each(spent))

    turns = {name: max(2, round(3 * seconds / (turn(name, 3) and turn(name, 3)))) for name in found}
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name in found:
            times[name].append(1e3 * turn(name, turns[name]) / turns[name])
    return times


def rows_of(ranks: Ranks, m: int, times: dict[str, list[float]], whole: list[float]) -> list[dict]:
    """A case's rows.

    m      examples a rank
    whole  milliseconds of `alone` with the examples of all ranks; so strong scaling, else weak
    """
    median = {name: float(np.median(t)) for name, t in times.items()}
    bytes_summed = 4 * sum(int(np.prod(shape)) for shape in MNIST.shapes().values())
    sent = round(2 * (ranks.size - 1) / ranks.size * bytes_summed)
    one = float(np.median(whole)) / ranks.size if whole else median["alone"]
    return [
        {
            "case": "strong" if whole else "weak",
            "ranks": ranks.size,
            "examples_a_rank": m,
            "name": name,
            "median_ms": round(median[name], 2),
            "min_ms": round(min(t), 2),
            "max_ms": round(max(t), 2),
            "efficiency": round(one / median[name], 3),
            "ratio_to_mpi": round(median[name] / median.get("mpi", median["alone"]), 3),
            "megabytes_sent": 0.0 if name in ("alone", "apart") else round(sent / 1e6, 2),
        }
        for name, t in times.items()
    ]


def table(rows: list[dict]) -> str:
    """Rows as Markdown."""
    head = "| scaling | ranks | examples a rank | | median ms | min - max | efficiency | / mpi | MB a rank sends |\n"
    return f"{head}|---|---|---|---|---|---|---|---|---|\n" + "".join(
        f"| {r['case']} | {r['ranks']} | {r['examples_a_rank']} | {r['name']} | {r['median_ms']:.1f} "
        f"| {r['min_ms']:.1f} - {r['max_ms']:.1f} | {r['efficiency']:.2f} | {r['ratio_to_mpi']:.2f} "
        f"| {r['megabytes_sent']:.1f} |\n"
        for r in rows
    )


def begin_gloo(ranks: Ranks) -> None:
    """PyTorch's default process group, of the same ranks."""
    import torch.distributed

    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    address = f"tcp://{os.environ.get('MINIGAN_GLOO_HOST', '127.0.0.1')}:{ranks.agreed(free)}"
    torch.distributed.init_process_group("gloo", address, rank=ranks.rank, world_size=ranks.size)


def main(options: argparse.Namespace) -> None:
    ranks = ranks_of("mpi")
    if ranks.size == 1:
        sys.exit("--distributed: expected several ranks, mpiexec -n 2 python benchmarks/scaling.py --distributed")
    if options.ddp:
        begin_gloo(ranks)
    rows = []
    for m in options.batches:
        found = contenders_of(ranks, m, options.backend, options.ddp)
        check_losses(found)
        times = measure(ranks, found, options.rounds, options.seconds)
        rows += rows_of(ranks, m, times, [])
        if m % ranks.size == 0:
            whole = times["alone"]
            found = contenders_of(ranks, m // ranks.size, options.backend, options.ddp)
            rows += rows_of(ranks, m // ranks.size, measure(ranks, found, options.rounds, options.seconds), whole)
    if ranks.rank == 0:
        print(table(rows), flush=True)
        if options.json:
            result = {"backend": options.backend, "rows": rows, "machine": machine(), "versions": versions()}
            options.json.write_text(json.dumps(result, indent=1) + "\n")
