"""What players and their stages are called."""

from __future__ import annotations

from minigan.layers import Sequential

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
LETTER = {GENERATOR: "G", DISCRIMINATOR: "D"}


def kinds(network: Sequential, number: int) -> str:
    """The layers of a stage: "Linear + ReLU"."""
    stage = network.stages[number]
    return " + ".join(dict.fromkeys(type(network.layers[i]).__name__ for i in (stage.index, stage.draw)))


def stage_name(network: Sequential, role: str, number: int) -> str:
    """A stage with its layers' numbers: "G's layers 0 and 1 (Linear + ReLU)"."""
    stage = network.stages[number]
    which = f"layer {stage.index}" if stage.index == stage.draw else f"layers {stage.index} and {stage.draw}"
    return f"{LETTER[role]}'s {which} ({kinds(network, number)})"
