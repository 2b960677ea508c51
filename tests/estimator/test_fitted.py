"""What scikit-learn asks of a fitted GAN, and its tools around one."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.validation import check_is_fitted
from small_gan import Hinge, X, small_gan

from minigan import GAN, ConfigError, DataError, Dropout, Linear, Maxout, Recipe, ReLU, Sampler, Sequential, Sigmoid
from minigan.backends.numpy_ops import NumpyOps
from minigan.metrics.parzen import log_likelihood


def test_a_gan_says_whether_it_is_fitted():
    gan = small_gan()
    assert not hasattr(gan, "n_features_in_")
    with pytest.raises(NotFittedError):
        check_is_fitted(gan)
    for ask in (gan.sample, lambda: gan.generate(np.zeros((1, 2))), lambda: gan.score_samples(X)):
        with pytest.raises(ConfigError, match="no weights yet: call fit"):
            ask()
    check_is_fitted(gan.fit(X, iterations=1))
    assert gan.n_features_in_ == 3


def test_a_score_is_the_logit_of_d():
    gan = small_gan().fit(X, iterations=5)
    score, D = gan.score_samples(X), gan.discriminate(X)
    assert score.shape == (40,) and score.dtype == np.float64
    np.testing.assert_allclose(score, np.log(D) - np.log1p(-D), rtol=1e-6, atol=1e-9)


def test_a_score_orders_what_d_cannot_tell_any_more():
    gan = small_gan().fit(X, iterations=1)
    params = gan.game.discriminator.params
    params["1.W"][:], params["2.W"][:] = 100, 100  # D(x) = 1 for all of these, to the last bit
    rows = np.array([[0.2] * 3, [0.4] * 3, [0.3] * 3])
    assert (gan.discriminate(rows) == 1).all()
    assert list(gan.score_samples(rows).argsort()) == [0, 2, 1]


def test_a_score_of_a_loss_without_probabilities_is_what_d_makes():
    gan = small_gan(loss=Hinge()).fit(X, iterations=5)
    np.testing.assert_array_equal(gan.score_samples(X), gan.discriminate(X))


def test_a_score_takes_what_discriminate_takes():
    gan = small_gan().fit(X, iterations=1)
    with pytest.raises(DataError, match="whole numbers, and the training data are float64"):
        gan.score_samples(np.ones((3, 3), int))


def test_samples_are_what_is_generated_from_the_same_z():
    gan = small_gan().fit(X, iterations=5)
    z = gan.sampler().draw_z(7, seed=3)
    np.testing.assert_array_equal(gan.generate(z), gan.sample(7, seed=3))
    np.testing.assert_array_equal(gan.sampler().generate(z), gan.sample(n_samples=7, seed=3))
    assert gan.sample().shape == gan.sampler().sample().shape == (1, 3)


@pytest.mark.parametrize(
    "z, message",
    [
        (np.zeros((3, 1)), r"z of shape \(3, 1\): expected \(n, 2\)"),
        (np.zeros(2), r"z of shape \(2,\): expected \(n, 2\)"),
        ([[np.nan, 0]], "z with NaN or infinity in row 0"),
        ("a", r"z: no array \(could not convert string"),
        ([[0, 1], [2]], r"z: no array \(setting an array element"),
        (object(), r"z: no array \("),
    ],
)
def test_errors_name_the_argument(z, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        small_gan().fit(X, iterations=1).generate(z)


@pytest.mark.parametrize("threads", ["2", 1.5, True, 0, -1])
def test_threads_that_are_none(threads):
    with pytest.raises(ConfigError, match=f"^threads {threads!r}: expected at least 1, a whole number"):
        small_gan().set_params(threads=threads)


def test_the_generator_that_ships_by_its_name():
    assert Sampler.pretrained("mnist").sample(2).tobytes() == Sampler.pretrained().sample(2).tobytes()
    with pytest.raises(ConfigError, match="^pretrained mnits: expected mnist or mnist-conditional; did you mean mnist"):
        Sampler.pretrained("mnits")


def parzen_score(gan, held_out):
    """The mean log-likelihood of held-out examples under a Parzen window on samples."""
    return log_likelihood(NumpyOps(), held_out, gan.sample(200), [0.2]).mean()


def test_a_grid_search_over_the_recipe():
    grid = {"lr": [1e-6, 0.1], "optimizer": ["sgd", "momentum"]}
    search = GridSearchCV(small_gan(), grid, scoring=parzen_score, cv=2).fit(X, iterations=150)
    assert search.best_params_["lr"] == 0.1 and search.best_estimator_.recipe.lr == 0.1
    assert search.best_estimator_.iteration == 150 and len(set(search.cv_results_["mean_test_score"])) == 4
    assert "GAN(G: 2 > Linear 6" in repr(search) and "GAN" in search._repr_html_()


def test_a_pipeline_names_its_parameters_by_the_step():
    pipeline = make_pipeline(MinMaxScaler(), small_gan()).set_params(gan__lr=0.2, gan__random_state=4)
    pipeline.fit(100 * X, gan__iterations=20)
    assert pipeline[-1].recipe.lr == 0.2 and pipeline[-1].random_state == 4
    samples = pipeline[0].inverse_transform(pipeline[-1].sample(50))
    assert samples.shape == (50, 3)
    np.testing.assert_array_equal(
        pipeline.score_samples(100 * X), pipeline[-1].score_samples(MinMaxScaler().fit_transform(100 * X))
    )


def test_features_are_ds_hidden_units_of_every_layer_side_by_side():
    x = np.random.default_rng(0).random((150, 6))
    D = Sequential(Dropout(0.8), Maxout(6, 8, 3), Dropout(0.5), Linear(8, 5), ReLU(), Linear(5, 1))
    gan = GAN(Sequential(Linear(3, 6), Sigmoid()), D, Recipe(latent=3, batch_size=20)).fit(x, iterations=5)
    found, W = gan.features(x), {name: np.array(view) for name, view in gan.game.discriminator.params.items()}
    maxout = (x.astype(np.float32) @ W["1.W"] + W["1.b"]).reshape(150, 3, 8).max(axis=1)
    relu = np.maximum(0, maxout @ W["3.W"] + W["3.b"])
    np.testing.assert_allclose(found, np.hstack([maxout, relu]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ConfigError, match="hidden units"):
        small = GAN(Sequential(Linear(3, 6), Sigmoid()), Sequential(Linear(6, 1)), Recipe(latent=3, batch_size=20))
        small.fit(x, iterations=1).features(x)
