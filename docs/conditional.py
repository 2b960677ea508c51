"""Whether a conditional generator makes what it is told, and as variously as an unconditional one.

    python docs/conditional.py --run runs/mnist-conditional --data DIR --out docs/conditional-table.md

read as asked  the share of samples of a digit that a classifier reads as that digit: scikit-learn's multilayer
               perceptron, trained on MNIST's 50,000 training images; what it makes of test images stands beside it
coverage       the share of a digit's test images that have a sample of the digit nearer than their fifth neighbour
               among each other (Naeem et al. 2020), with as many samples as images.  Of an unconditional G: among
               samples that the classifier reads as the digit
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier

from minigan import Sampler
from minigan.data import load
from minigan.data.idx import LABELS, find_file, find_mnist, read_idx_labels
from minigan.metrics.manifolds import overlap

SAMPLES = 1000


def table(told: Sampler, plain: Sampler, folder: Path) -> str:
    """A row a digit, in Markdown."""
    data = load(str(folder), labels=True)
    path = find_file(find_mnist(folder) or folder, "t10k", LABELS)
    if path is None:
        raise SystemExit(f"{folder}: no labels of the test images")
    answers, labels = read_idx_labels(path), np.array(data.labels.classes.names)[data.labels.numbers]
    test, classifier = data.scaled(data.test, np.float32), MLPClassifier((300,), early_stopping=True, random_state=0)
    classifier.fit(data.scaled(data.train, np.float32), labels)
    ops, others = plain.ops, plain.scaled_sample(20 * SAMPLES)
    read = classifier.predict(others)
    lines = ["| digit | test images read as it | samples read as asked | coverage | coverage of the unconditional G |"]
    lines, sums = [*lines, "|---|---|---|---|---|"], []
    for digit in range(10):
        images, made = test[answers == digit], told.scaled_sample(SAMPLES, seed=digit, labels=digit)
        same = others[read == digit]
        n = min(len(images), len(made), len(same))
        row = [
            (classifier.predict(images) == digit).mean(),
            (classifier.predict(made) == digit).mean(),
            overlap(ops, images, made[:n]).coverage,
            overlap(ops, images, same[:n]).coverage,
        ]
        sums.append(row)
        lines.append(f"| {digit} | " + " | ".join(f"{100 * share:.1f}" for share in row) + " |")
    lines.append("| mean | " + " | ".join(f"{100 * share:.1f}" for share in np.mean(sums, axis=0)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    made = table(Sampler.load(options.run), Sampler.pretrained("mnist"), options.data)
    print(made, end="")
    if options.out:
        options.out.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
