"""What can be measured of a run from its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minigan.data import MIXTURES
from minigan.errors import CheckpointError, ConfigError
from minigan.files import page
from minigan.files.checkpoint import Header
from minigan.files.curves import by_name
from minigan.generator import mode_table
from minigan.generator.sampler import Sampler
from minigan.reporting.curves import known, shown

MEANING = {
    "value": ("V(D, G), nats", "-1.386 = -log 4 where D can tell nothing, 0 where it tells all"),
    "d_real": ("D(x), mean", "what D gives data: 0.5 where it can tell nothing"),
    "d_fake": ("D(G(z)), mean", "what D gives samples"),
    "d_loss": ("D's loss", "what D descends"),
    "g_loss": ("G's loss", "what G descends"),
    "diversity": ("diversity", "how much samples vary, over how much data do: near 1; 0 once G has collapsed"),
    "dead_units": ("dead units of G", "the share of its relu units that no z lights"),
    "d_gradient": ("D's gradient", "its length"),
    "g_gradient": ("G's gradient", "its length: near 0 G learns nothing"),
    "lr": ("learning rate", ""),
    "momentum": ("momentum", ""),
    "iterations_per_second": ("iterations a second", "on the machine of the record below"),
}
"""{a name in metrics.jsonl: (what it is called, what it says)}"""


def table(lines: list[dict[str, Any]]) -> str:
    """The numbers of the last line, and what each of them says."""
    if not lines:
        return page.paragraph("No line in metrics.jsonl yet.")
    last = lines[-1]
    rows = [(title, shown(last[name]), says) for name, (title, says) in MEANING.items() if name in last]
    return page.table(
        [("measure", "now", "what it says"), *rows], f"Iteration {last['iteration']}, epoch {last['epoch']:g}"
    )


def of_the_generator(path: Path, header: Header | None, lines: list[dict[str, Any]]) -> str:
    """How good G is: by validation data, where the run measured that, and by the modes that it captures."""
    said = [validation(lines)]
    if header is not None and header["data"].get("name") in MIXTURES:
        said.append(modes(path, header))
    elif header is not None:
        said.append(page.paragraph(f"Held-out data lie outside of the folder: python -m minigan.evaluate --run {path}"))
    return "\n".join(filter(None, said))


def validation(lines: list[dict[str, Any]]) -> str:
    """The measurements on validation data, the best one in words."""
    measured = known(by_name(lines), "validation") if lines else []
    if not measured:
        return page.paragraph("The run measures nothing on validation data (--validate-every does).")
    at, best = max(measured, key=lambda pair: pair[1])
    rows = [("iteration", "on validation data"), *((str(iteration), shown(number)) for iteration, number in measured)]
    words = f"Best on validation data at iteration {at}: {best:.4g}; checkpoints/best.safetensors is that generator."
    return page.paragraph(words) + page.table(rows, "All measurements on validation data")


def modes(path: Path, header: Header) -> str:
    """The modes of a mixture that samples of the newest checkpoint capture; nothing for a mixture of one."""
    try:
        found = mode_table.measure(Sampler.load(path), MIXTURES[header["data"]["name"]](), None, 0)
    except (CheckpointError, ConfigError):
        return ""
    rows = [("samples", "modes captured", "of high quality", "KL(shares || uniform), nats")]
    for row in found["rows"]:
        divergence = "-" if row["divergence"] is None else f"{row['divergence']:.3f}"
        rows.append((row["name"], f"{row['captured']} of {found['modes']}", f"{row['high_quality']:.1%}", divergence))
    return page.table(rows, f"Modes that {found['n']} samples of iteration {header['iteration']} capture")
