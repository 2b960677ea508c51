"""scikit-learn's own checks of an estimator, each on a GAN whose networks have the width of the check's data.

Those in APART do not hold, and the reason stands beside each.
"""

import pytest
from sklearn.utils import estimator_checks
from small_gan import small_gan

WIDTHS = {
    "check_estimators_overwrite_params": 2,
    "check_estimators_fit_returns_self": 2,
    "check_readonly_memmap_input": 2,
    "check_fit_idempotent": 2,
    "check_fit_check_is_fitted": 2,
    "check_n_features_in": 2,
    "check_fit2d_1feature": 1,
    "check_n_features_in_after_fitting": 4,
    "check_positive_only_tag_during_fit": 4,
    "check_estimators_dtypes": 5,
}
"""how many features a check's data have, where that is not 3"""

CONSTRUCTOR = "the constructor refuses what cannot work, with a reason, where scikit-learn's leave that to fit"
NAMES = "iteration and data are minigan's names for what fit finds, and have no underscore at their end"
WORDS = "it is refused, in other words than the check looks for"
APART = {
    "check_no_attributes_set_in_init": "the constructor makes what computes, so a backend that is not there is refused",
    "check_do_not_raise_errors_in_init_or_set_params": CONSTRUCTOR,
    "check_parameters_default_constructible": "a default is a Recipe, which cannot be changed; the check knows numbers",
    "check_dont_overwrite_parameters": NAMES,
    "check_dtype_object": "an array of Python objects is refused, since it may hold anything",
    "check_complex_data": WORDS,
    "check_estimators_empty_data_messages": WORDS,
    "check_n_features_in_after_fitting": WORDS,
    "check_fit2d_1sample": WORDS,
    "check_array_api_input": "an array of another library is refused unless NumPy takes it",
}

pytestmark = pytest.mark.skipif(
    not hasattr(estimator_checks, "estimator_checks_generator"), reason="scikit-learn is older than 1.6"
)


def named(check) -> str:
    return getattr(check, "func", check).__name__


def checks(estimator) -> list:
    """The checks of this scikit-learn, with what they are called."""
    return [check for _, check in estimator_checks.estimator_checks_generator(estimator)]


NUMBERED = range(len(checks(small_gan()))) if hasattr(estimator_checks, "estimator_checks_generator") else []


@pytest.mark.filterwarnings("ignore")  # checks fit on whole numbers up to 3 and on 20 examples, and say so
@pytest.mark.parametrize("number", NUMBERED, ids=lambda number: f"{number}-{named(checks(small_gan())[number])}")
def test_check(number):
    name = named(checks(small_gan())[number])
    gan = small_gan(WIDTHS.get(name, 3), lr=0.01)
    check = checks(gan)[number]
    if name == "check_array_api_input":
        pytest.skip(APART[name])
    if name not in APART:
        return check(gan)
    with pytest.raises((AssertionError, ValueError)):  # or the list above is out of date
        check(gan)


def test_what_is_said_of_checks_is_said_of_checks_that_there_are():
    assert (WIDTHS | APART).keys() <= {named(check) for check in checks(small_gan())}
