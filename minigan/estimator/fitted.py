"""What scikit-learn asks of an estimator that is fitted, and what kind of estimator it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minigan.data.describe import scaled_as
from minigan.estimator.parameters import Parameters
from minigan.generator.sampler import forward_in_batches

if TYPE_CHECKING:
    from sklearn.utils import Tags


class Fitted(Parameters):
    """Answers of the weights, in addition to `sample` and `discriminate`."""

    @property
    def n_features_in_(self) -> int:
        """The width of an example.  Raises AttributeError before there are weights, as scikit-learn asks."""
        if self._game is None:
            raise AttributeError("this GAN has no weights yet: n_features_in_ is there after fit")
        return self.generator.n_out

    def generate(self, z: np.ndarray) -> np.ndarray:
        """G(z): z (n, latent) to (n, features) in the data's own units, as `Sampler.generate` has it."""
        return self.sampler().generate(z)

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """l, what D's last layer makes of each example: n examples, as `discriminate` takes them, to (n,) float64.

        It is the logit log D(x) - log(1 - D(x)), larger for what looks more like the data.  It orders examples as D(x)
        does, and still where D(x) rounds to 0 or 1; if D is the best one against G it is log p_data(x) / p_g(x).  It is
        no log-density, and the numbers of two GANs cannot be compared.  Raises as `discriminate`.
        """
        x = scaled_as(self.data, X, self.recipe.dtype)
        logits = forward_in_batches(self.ops, self.discriminator, self.game.discriminator.params, x)
        return logits[:, 0].astype(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        return self._game is not None

    def __sklearn_tags__(self) -> Tags:
        """Of no type that scikit-learn has: it learns without targets, and what it scores is no density."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False), input_tags=InputTags())
