"""What a picture shows of a GAN, by the kind of its data: a line, a plane, images, or numbers alone."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any, Protocol

import numpy as np

from minigan.data import Dataset, Mixture
from minigan.files.plots import displayable
from minigan.gan import GAN
from minigan.living.density import Window, optimal
from minigan.living.probe import Probe

Content = dict[str, Any]
"""By the names that the page has: numbers, texts and arrays."""

POINTS, ARROWS, OF_P_G = 256, 160, 1024
"""Samples that are shown, those with an arrow, and those of which p_g is estimated."""
CELLS, CELLS_OF_A_LINE, MESH = 40, 200, 17
IMAGES = 36
UNDEFINED = 255


class View(Protocol):
    """Of one GAN, whose weights move on."""

    gan: GAN

    def content(self) -> Content:
        """What there is to see now."""


def view_of(gan: GAN, data: Dataset | Mixture | None) -> View:
    """The view for such data; None: they are not at hand, and what needs them is left out."""
    if gan.data.get("image_shape"):
        return Images(gan)
    if data is not None and gan.generator.n_out in (1, 2) and not gan.recipe.condition:
        return (Line if gan.generator.n_out == 1 else Plane)(gan, data)
    return Numbers(gan)


class Numbers:
    """Examples that are no picture and have more than two values."""

    def __init__(self, gan: GAN):
        self.gan = gan

    def content(self) -> Content:
        return {"kind": "numbers"}


class Images:
    """A grid of samples, and beside each how D wants it to change: -dL/dG(z)."""

    def __init__(self, gan: GAN):
        self.gan, self.probe = gan, Probe(gan, IMAGES)
        self.shape = list(gan.data["image_shape"] or ())

    def content(self) -> Content:
        samples = self.probe.generate(self.probe.z)
        belief, pull = self.probe.pull(samples)
        if "contrast" in self.gan.data:
            samples = displayable(samples)
        largest = float(np.abs(pull).max()) or 1.0
        return {
            "kind": "images",
            "shape": self.shape,
            "images": np.round(255 * np.clip(samples, 0, 1)).astype(np.uint8),
            "pull": np.round(127 * pull / largest).astype(np.int8),
            "largest": largest,
            "belief": belief.astype(np.float32),
        }


class Plane:
    """Data, samples and what pulls them; D and D* as heat maps; the mesh of z carried to the plane."""

    def __init__(self, gan: GAN, data: Dataset | Mixture):
        self.gan, self.probe, self.dtype = gan, Probe(gan, OF_P_G), gan.recipe.dtype
        self.real = real_points(data, POINTS, self.dtype)
        self.window = Window.around(real_points(data, 4000, self.dtype), CELLS)
        self.p_data = self.window.density_of(data, self.dtype)
        self.cells = self.window.points.astype(self.dtype)
        self.mesh = mesh_of(gan.game.prior.name, gan.recipe.latent)
        self.z = np.concatenate([self.probe.z, self.mesh.astype(self.dtype)])
        self.known = isinstance(data, Mixture)

    def content(self) -> Content:
        made = self.probe.generate(self.z)
        samples, mesh = made[:OF_P_G], made[OF_P_G:]
        _, pull = self.probe.pull(samples[:ARROWS])
        d_star = optimal(self.p_data, self.window.estimate(samples))
        return {
            "kind": "plane",
            "low": self.window.low.tolist(),
            "side": self.window.side,
            "cells": CELLS,
            "kernel": self.window.h,
            "known": self.known,
            "real": self.real.astype(np.float32),
            "samples": samples[:POINTS].astype(np.float32),
            "pull": pull.astype(np.float32),
            "d": in_bytes(self.probe.discriminate(self.cells)),
            "d_star": in_bytes(d_star),
            "mesh": mesh.astype(np.float32),
            "mesh_side": MESH if len(mesh) == MESH * MESH else len(mesh),
        }


class Line:
    """Figure 1 of the paper: p_data, p_g, D and D* over the line, and where G carries z."""

    def __init__(self, gan: GAN, data: Dataset | Mixture):
        self.gan, self.probe, self.dtype = gan, Probe(gan, OF_P_G), gan.recipe.dtype
        self.window = Window.around(real_points(data, 4000, self.dtype), CELLS_OF_A_LINE)
        self.p_data = self.window.density_of(data, self.dtype)
        self.cells = self.window.points.astype(self.dtype)
        self.mesh = mesh_of(gan.game.prior.name, gan.recipe.latent).astype(self.dtype)

    def content(self) -> Content:
        p_g = self.window.estimate(self.probe.generate(self.probe.z))
        values = {
            "p_data": self.p_data,
            "p_g": p_g,
            "d": self.probe.discriminate(self.cells),
            "d_star": optimal(self.p_data, p_g),
            "z": self.mesh.ravel(),
            "carried": self.probe.generate(self.mesh).ravel() if len(self.mesh) else self.mesh.ravel(),
        }
        arrays = {name: value.astype(np.float32) for name, value in values.items()}
        return {"kind": "line", "low": self.window.low.tolist(), "side": self.window.side, **arrays}


def real_points(data: Dataset | Mixture, n: int, dtype: np.dtype) -> np.ndarray:
    """Up to n examples as they are trained on, (n, F)."""
    return data.sample(n) if isinstance(data, Mixture) else data.scaled(data.train[:n], dtype)


def mesh_of(prior: str, latent: int) -> np.ndarray:
    """z, (n, latent), evenly over most of the prior: 17 x 17 in the plane or round the circle, 25 on a line; none where
    z has more numbers.
    """
    if latent > 2:
        return np.empty((0, latent))
    if prior == "spherical" and latent == 2:
        angle = 2 * pi * np.arange(241) / 240
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if prior == "spherical":
        return np.array([[-1.0], [1.0]])
    end = sqrt(3) if prior == "uniform" else 2.5
    side = np.linspace(-end, end, MESH if latent == 2 else 25)
    return np.stack(np.meshgrid(*[side] * latent, indexing="ij"), axis=-1).reshape(-1, latent)


def in_bytes(d: np.ndarray) -> np.ndarray:
    """D(x) from 0 to 1 as 0 to 254; NaN, and what is not a number, as `UNDEFINED`."""
    return np.where(np.isfinite(d), np.round(254 * np.clip(d, 0, 1)), UNDEFINED).astype(np.uint8)
