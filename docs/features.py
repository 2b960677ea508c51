"""What D's hidden units are worth to a classifier with few labels (section 7 of the paper).

    python docs/features.py --run runs/seed-1 runs/seed-2 runs/seed-3 --out docs/features-table.md

Logistic regression of scikit-learn, its regularisation chosen by cross-validation among the labelled images alone, on
D's hidden units, on those of the same network with its initial weights, and on pixels; each standardised.  A draw of
labelled images has as many of each digit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minigan import GAN
from minigan.data import load
from minigan.data.idx import LABELS, find_file, find_mnist, read_idx_labels

STRENGTHS = {"logisticregression__C": [1e-3, 1e-2, 1e-1, 1.0]}


def test_labels(folder: Path) -> np.ndarray:
    """Those of MNIST's test images: (10000,)"""
    path = find_file(find_mnist(folder) or folder, "t10k", LABELS)
    if path is None:
        raise SystemExit(f"{folder}: no labels of the test images")
    return read_idx_labels(path)


def accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, answers: np.ndarray) -> float:
    """Of the classifier on test images, learnt from a few."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return GridSearchCV(classifier, STRENGTHS, cv=5).fit(train, labels).score(test, answers)


def balanced(labels: np.ndarray, n: int, seed: int) -> np.ndarray:
    """The rows of n images, as many of each digit."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.choice(np.flatnonzero(labels == d), n // 10, replace=False) for d in range(10)])


def table(runs: list[Path], folder: Path, draws: int, sizes: tuple[int, ...]) -> str:
    """Rows of Markdown, in percent: the mean over runs and draws, ± the deviation from one to another."""
    data, answers = load(str(folder), labels=True), test_labels(folder)
    labels = np.array(data.labels.classes.names)[data.labels.numbers]
    learnt = [GAN.load(run) for run in runs]
    fresh = [GAN.load(run) for run in runs]
    for gan in fresh:
        gan.begin(gan.iterations_per_epoch, gan.data)
    kinds = {
        "D's hidden units": [gan.features for gan in learnt],
        "the same, untrained": [gan.features for gan in fresh],
        "pixels": [lambda x: data.scaled(x, np.float32)],
    }
    lines = [f"| features | {' | '.join(f'{n:,} labels' for n in sizes)} |", "|---" * (1 + len(sizes)) + "|"]
    for name, several in kinds.items():
        found: dict[int, list[float]] = {n: [] for n in sizes}
        for features in several:
            train, test = features(data.train), features(data.test)
            for n in sizes:
                rows = [balanced(labels, n, seed) for seed in range(draws)]
                found[n] += [100 * accuracy(train[r], labels[r], test, answers) for r in rows]
        cells = [f"{np.mean(of_n):.1f} ± {np.std(of_n, ddof=1):.1f}" for of_n in found.values()]
        lines.append(f"| {name} ({train.shape[1]}) | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, nargs="+", help="each of another seed")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=5, help="of the labelled images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    made = table(options.run, options.data, options.draws, tuple(options.sizes))
    print(made, end="")
    if options.out:
        options.out.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
