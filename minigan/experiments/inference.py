"""Section 7, the second of its extensions: a network that predicts z, on the generator of `training.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from minigan.data import Dataset
from minigan.experiments import training
from minigan.experiments.finding import Finding
from minigan.files.plots import save_samples
from minigan.generator.figures import images_and_walks
from minigan.generator.inference import Inference
from minigan.generator.projection import STEPS, Descent, fit
from minigan.generator.reference_data import data_of
from minigan.generator.sampler import Sampler

TITLE = "Learned inference"
SECONDS = (15, 200)
IMAGES, SHOWN, WALKS, COLUMNS, ITERATIONS = 200, 10, 2, 10, 2000


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """z of test images, from the network and after descent from there."""
    folder = training.run_beside(out)
    sampler = Sampler.load(folder)
    _, data = data_of(sampler, str(folder), None)
    assert isinstance(data, Dataset) and data.test is not None  # images, of which some are held out
    network = Inference(sampler, iterations=ITERATIONS, seed=seed)
    network.train(lambda done, error: say(f"iteration {done}: squared error of z {error:.2f}"))
    x = data.scaled(data.test[:IMAGES], sampler.params.dtype)
    said = network(x)
    found = Descent(sampler, x, said).run(STEPS // 4)
    error = network.error()
    begun, ended = (fit(sampler, x, z, data).ratio for z in (said, found))
    images, outlined = images_and_walks(sampler, x[:SHOWN], found[:SHOWN], WALKS, COLUMNS)
    picture = out / "inference.png"
    contrast = "contrast" in sampler.data
    save_samples(picture, images, sampler.data["image_shape"], columns=COLUMNS, contrast=contrast, outlined=outlined)
    return Finding(
        TITLE,
        "Learned approximate inference can be performed by training an auxiliary network to predict z given x.",
        f"The squared error of z is {error:.2f} of its variance. From {len(x)} test images G is {begun:.2f} times as "
        f"far as the nearest training image with the z that the network says, and {ended:.2f} times after {STEPS // 4} "
        "steps of descent from there. Holds if the error is below 1 and the last number too. Each row of test images "
        "stands above what G makes of their z; below, walks between two of them.",
        bool(error < 1 and ended < 1),
        {"error": error, "network": begun, "descent": ended, "latent": int(np.shape(found)[1])},
        pictures=(picture,),
    )
