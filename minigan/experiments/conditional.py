"""Section 7, the first of its extensions: both players are told the class, and G makes what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from minigan.data import Dataset, load
from minigan.experiments.finding import Finding
from minigan.experiments.training import RUN, quick_iterations, trained
from minigan.files.plots import save_samples
from minigan.generator.sampler import Sampler
from minigan.options.config import Config, preset

TITLE = "Told the class"
SECONDS = (30, 3600)
OF_EACH, COLUMNS, LEAST = 200, 10, 0.9
HELD_BACK = 0.2
"""of the training images, to see how well the classifier reads real ones"""


def run(out: Path, seed: int, quick: bool, say: Callable[[str], None]) -> Finding:
    """Train with labels, and have a classifier that knows real images alone read the samples of each class."""
    config = trained(config_of(out / RUN, seed, quick), say).config
    sampler, data = Sampler.load(out / RUN), load(config.data, labels=True)
    assert isinstance(data, Dataset) and data.labels is not None and sampler.classes is not None
    classes = np.array(sampler.classes.names)
    read, real = readers_share(data, sampler, classes, seed)
    picture = out / "classes.png"
    rows = sampler.sample(COLUMNS * len(classes), seed, np.repeat(classes, COLUMNS))
    save_samples(picture, rows, sampler.data["image_shape"], columns=COLUMNS)
    return Finding(
        TITLE,
        "A conditional generative model p(x | c) can be obtained by adding c as input to both G and D.",
        f"Of {OF_EACH} samples of each class a classifier that was trained on real images reads {np.mean(read):.1%} as "
        f"the class that G was told, and of real images held back from it {real:.1%}. Holds if it is {LEAST:.0%} at "
        "least. A row of the picture is a class.",
        bool(np.mean(read) >= LEAST),
        {"read": float(np.mean(read)), "real": real, "classes": dict(zip(map(str, classes), map(float, read)))},
        pictures=(picture,),
        table=(("class", *map(str, classes)), ("read as asked", *(f"{share:.1%}" for share in read))),
    )


def config_of(folder: Path, seed: int, quick: bool) -> Config:
    """The run's options, and on from where it was."""
    config = preset("digits" if quick else "mnist-conditional")
    iterations, resume = quick_iterations(config) if quick else config.iterations, (folder / "config.toml").exists()
    seed += config.seed
    return replace(config, condition="labels", seed=seed, iterations=iterations, out=str(folder), resume=resume)


def readers_share(data: Dataset, sampler: Sampler, classes: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """What three nearest neighbours among real images read as asked: the share of each class, and of real images."""
    assert data.labels is not None
    x, labels = data.scaled(data.train, np.float32), np.array(data.labels.classes.names)[data.labels.numbers]
    known, held_back, names, answers = train_test_split(x, labels, test_size=HELD_BACK, random_state=0)
    classifier = KNeighborsClassifier(3).fit(known, names)
    asked = np.repeat(classes, OF_EACH)
    right = classifier.predict(sampler.scaled_sample(len(asked), seed, asked)) == asked
    return right.reshape(len(classes), OF_EACH).mean(axis=1), float(classifier.score(held_back, answers))
