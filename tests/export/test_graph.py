"""The preparation inside an exported file gives the very greys of the project's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.images import RESIZES, Resize, fit
from core.data.preparation import Preparation, prepare
from core.export.graph import Deployed, fitted
from core.models import classifier

QUICK = settings(max_examples=40, deadline=None, derandomize=True)
SIDES = st.integers(1, 90)


def greys(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def in_tensors(pixels: np.ndarray, size: int, resize: Resize) -> np.ndarray:
    return fitted(torch.from_numpy(pixels)[None], size, resize)[0].numpy()


@pytest.mark.parametrize("resize", RESIZES)
@QUICK
@given(height=SIDES, width=SIDES, size=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_image_is_prepared_to_the_same_greys(resize: Resize, height: int, width: int, size: int, seed: int) -> None:
    pixels = greys(height, width, seed)
    np.testing.assert_array_equal(in_tensors(pixels, size, resize), fit(pixels, size, resize))


def test_a_large_image_is_prepared_to_the_same_greys() -> None:
    pixels = greys(977, 1283)
    for resize in RESIZES:
        np.testing.assert_array_equal(in_tensors(pixels, 224, resize), fit(pixels, 224, resize))


@pytest.mark.parametrize("resize", RESIZES)
def test_a_prepared_picture_is_left_as_it_is(resize: Resize) -> None:
    pixels = greys(24, 24)
    np.testing.assert_array_equal(in_tensors(pixels, 24, resize), pixels)


@torch.no_grad()
def test_the_module_is_preparation_model_and_softmax() -> None:
    torch.manual_seed(0)
    model = classifier.create("alasfoor-cnn22", 3, 16, "train").eval()
    how, pixels = Preparation(16, "pad"), greys(30, 41)
    prepared = torch.from_numpy(prepare(pixels, how))[None]
    expected = model(prepared[:, None] / 255).softmax(dim=1)
    torch.testing.assert_close(Deployed(model, how)(torch.from_numpy(pixels)[None]), expected)
    torch.testing.assert_close(Deployed(model, None)(prepared), expected)
