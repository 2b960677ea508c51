"""Minibatches of a data set: each epoch in its own order, which follows from the seed and the epoch's number alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from minigan.backends import Array, Ops
from minigan.backends.clock import Count
from minigan.data.dataset import Dataset
from minigan.errors import DataError
from minigan.rng import Draw


class ExampleBatches:
    """The training data on one backend, gathered minibatch by minibatch.

    Minibatch number c belongs to epoch c div n and is the (c mod n)-th run of m examples in the epoch's order, with
    n = N div m.  So an example comes up at most once an epoch, and the remainder N mod m is left out.

    examples      (N, F) uint8, or floats of `dtype`; where they are standardised, as they are trained on
    scale, shift  (N,) of `dtype`, what an example is multiplied by and what is added to it; None for 1 and 0
    one_hot       (N, C) uint8, the class of each example; None where nobody asks for labels
    order         (2, N) int32, the order of epoch e in row e mod 2: what `prepare` keeps up to date

    Raises DataError for a batch size below 1 or above N.
    """

    def __init__(self, ops: Ops, dataset: Dataset, batch_size: int, seed: int, dtype: DTypeLike):
        n = len(dataset.train)
        if not 1 <= batch_size <= n:
            raise DataError(f"--batch-size {batch_size}: expected 1 to {n}, the training examples of {dataset.name}")
        self.ops, self.name, self.batch_size, self.seed = ops, dataset.name, batch_size, seed
        self.batches_per_epoch = n // batch_size
        if dataset.standard is None:
            examples, (scale, shift) = dataset.train, dataset.affine(dataset.train)
        else:
            examples, scale, shift = dataset.scaled(dataset.train, dtype), None, None
        self.examples = ops.asarray(examples, np.uint8 if examples.dtype == np.uint8 else dtype)
        self.scale = None if scale is None else ops.asarray(scale, dtype)
        self.shift = None if shift is None else ops.asarray(shift, dtype)
        self.one_hot = None if dataset.labels is None else ops.asarray(dataset.labels.one_hot())
        self.order = ops.zeros((2, n), np.int32)
        self._epochs = [-1, -1]

    def prepare(self, iteration: int, k: int, ahead: int = 0) -> None:
        """Lay out the orders that minibatches f .. f + k - 1, f = iteration k + ahead, follow: of an epoch, or of two.

        Raises DataError where k is so large that one iteration can reach into a third epoch.
        """
        if k > self.batches_per_epoch + 1:
            raise DataError(
                f"k = {k}: the minibatches of an iteration can span three epochs of {self.batches_per_epoch}, "
                f"expected k up to {self.batches_per_epoch + 1}, a smaller batch size or more examples"
            )
        first = iteration * k + ahead
        for epoch in range(first // self.batches_per_epoch, (first + k - 1) // self.batches_per_epoch + 1):
            row = epoch % 2
            if self._epochs[row] != epoch:
                self.ops.permutation(self.seed, epoch, out=self.order[row])
                self._epochs[row] = epoch

    def minibatch(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (B, F) with the rows `draw.rows` of minibatch number `count`, scaled."""
        return self.ops.gather(
            self.examples, self.order, count, self.batch_size, draw.rows, self.scale, self.shift, out
        )

    def labels(self, draw: Draw, count: Count, out: Array) -> Array:
        """Fill out (B, C) with the labels of the same rows, one-hot.  Raises DataError where there are none."""
        if self.one_hot is None:
            raise DataError(f"{self.name}: no labels, expected one for each training example")
        return self.ops.gather(self.one_hot, self.order, count, self.batch_size, draw.rows, None, None, out)
