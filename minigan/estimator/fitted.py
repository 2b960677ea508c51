"""What scikit-learn asks of an estimator that is fitted, and what kind of estimator it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigan.data.describe import classes_of, scaled_as
from minigan.data.labels import beside
from minigan.generator.sampler import forward_in_batches, hidden_units

if TYPE_CHECKING:
    from minigan.gan import GAN


class Fitted:
    """Answers of the weights, in addition to `sample` and `discriminate`."""

    @property
    def n_features_in_(self) -> int:
        """The width of an example.  Raises AttributeError before there are weights, as scikit-learn asks."""
        gan = cast("GAN", self)
        if not gan.has_weights:
            raise AttributeError("this GAN has no weights yet: n_features_in_ is there after fit")
        return gan.generator.n_out

    def generate(self, z: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.floating]:
        """G(z): z (n, latent) to (n, features) in the data's own units, as `Sampler.generate` has it."""
        return cast("GAN", self).sampler().generate(z, labels)

    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.float64]:
        """l, what D's last layer makes of each example: n examples, as `discriminate` takes them, to (n,) float64.

        y  (n,) labels where D is told them; not used otherwise

        It is the logit log D(x) - log(1 - D(x)), larger for what looks more like the data.  It orders examples as D(x)
        does, and still where D(x) rounds to 0 or 1; if D is the best one against G it is log p_data(x) / p_g(x).  It is
        no log-density, and the numbers of two GANs cannot be compared.  Raises as `discriminate`.
        """
        gan = cast("GAN", self)
        params = gan.game.discriminator.params
        classes, x = classes_of(gan.data), scaled_as(gan.data, X, gan.recipe.dtype)
        x = beside(classes, x, y if classes else None)
        return forward_in_batches(gan.ops, gan.discriminator, params, x)[:, 0].astype(np.float64)

    def features(self, X: ArrayLike, y: ArrayLike | None = None) -> NDArray[np.floating]:
        """D's hidden units, without dropout: n examples, as `discriminate` takes them, to (n, units).

        Features for a classifier.  y and errors as of `score_samples`.
        """
        gan = cast("GAN", self)
        classes, x = classes_of(gan.data), scaled_as(gan.data, X, gan.recipe.dtype)
        x = beside(classes, x, y if classes else None)
        return hidden_units(gan.ops, gan.discriminator, gan.game.discriminator.params, x)

    def __sklearn_is_fitted__(self) -> bool:
        return cast("GAN", self).has_weights

    def __sklearn_tags__(self) -> Any:
        """Of no type that scikit-learn has: it learns without targets, and what it scores is no density."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False), input_tags=InputTags())
