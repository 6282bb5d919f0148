"""From greys to a network's square."""

import numpy as np
import pytest

from core.data.images import fit
from core.data.preparation import Preparation, prepare


@pytest.fixture
def pixels():
    """A dim gradient. uint8 [40, 60]"""
    return np.tile(np.linspace(100, 130, 60), (40, 1)).astype(np.uint8)


def test_without_equalisation_an_image_is_only_fitted(pixels):
    np.testing.assert_array_equal(prepare(pixels, Preparation(32, "pad")), fit(pixels, 32, "pad"))


def test_clahe_widens_the_range_of_a_dim_image(pixels):
    plain, equalised = prepare(pixels, Preparation(32)), prepare(pixels, Preparation(32, equalise="clahe"))
    assert (equalised.shape, equalised.dtype) == ((32, 32), np.uint8)
    assert np.ptp(equalised) > 1.5 * np.ptp(plain)


def test_preparing_leaves_the_image_as_it_was(pixels):
    before = pixels.copy()
    prepare(pixels, Preparation(32, equalise="clahe"))
    np.testing.assert_array_equal(pixels, before)
