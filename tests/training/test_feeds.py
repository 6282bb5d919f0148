"""What a recipe does to a data set's rows and images before they are fed."""

import numpy as np
import pytest
import torch

from core.data import cache, library
from core.data.batches import Augmentation
from core.recipes import fitting
from core.training import feeds

CPU = torch.device("cpu")


@pytest.fixture
def manifest(make_folder):
    return library.open_dataset(str(make_folder({"Covid-19": 10, "Normal": 20}, size=24, patients=2, name="set")))


def opened(manifest, **changes):
    draft = fitting.draft(model="alasfoor-cnn22", **({"image.size": 16, "batch_size": 8} | changes))
    recipe, _ = fitting.fit(draft, manifest)
    return recipe, feeds.open_feeds(recipe, manifest, CPU)


def test_a_plain_recipe_feeds_every_image_once(manifest):
    recipe, data = opened(manifest)
    rows = np.concatenate([feed.rows for feed in data.parts.values()])
    assert sorted(rows) == list(range(30))
    np.testing.assert_array_equal(data.parts["train"].images, cache.decoded(manifest, recipe.image.preparation))


def test_copies_after_the_split_draw_training_images_more_often_and_leave_the_others_alone(manifest):
    plain = opened(manifest)[1]
    _, data = opened(manifest, **{"copies.of": {"COVID-19": 6}})
    covid = data.parts["train"].labels[data.parts["train"].rows] == 0
    assert covid.sum() == 6 * (plain.parts["train"].labels[plain.parts["train"].rows] == 0).sum()
    for part in ("validation", "test"):
        np.testing.assert_array_equal(data.parts[part].rows, plain.parts[part].rows)
    assert data.split.grouped


def test_copies_before_the_split_are_fixed_changed_images_of_their_own_and_the_split_is_ungrouped(manifest):
    changes = {"copies": {"of": {"COVID-19": 3}, "before_split": True}, "augmentation.brightness": 0.5}
    recipe, data = opened(manifest, **changes)
    assert len(data.table) == 10 * 3 + 20
    assert not data.split.grouped
    assert data.table["sample_id"].is_unique
    assert data.augmentation == Augmentation()
    pixels = data.parts["train"].images
    original, first, second = (data.table.index[data.table["sample_id"] == f"Covid-19/000.png{end}"][0] for end in ("", "#1", "#2"))
    plain = cache.decoded(manifest, recipe.image.preparation)[0]
    np.testing.assert_array_equal(pixels[original], plain)
    assert (pixels[first] != plain).any()
    assert (pixels[first] != pixels[second]).any()


def test_augmentation_of_one_class_leaves_the_other_as_it_is(manifest):
    recipe, data = opened(manifest, **{"augmentation.only": ["COVID-19"], "augmentation.brightness": 0.5})
    plain = {image.tobytes() for image in cache.decoded(manifest, recipe.image.preparation)}
    for x, y in data.parts["train"].shuffled(data.augmentation, seed=0, epoch=1):
        for image, label in zip((x[:, 0] * 255).round().byte().numpy(), y.tolist(), strict=True):
            assert (image.tobytes() in plain) == (label == 1)


def test_a_subset_with_caps_is_all_that_is_fed(manifest):
    recipe, data = opened(manifest, **{"subset": {"labels": ["COVID-19", "Normal"], "caps": {"Normal": 12}}})
    assert len(data.table) == 22
    assert recipe.data.classes == ("Covid-19", "Normal")


def test_equalised_images_are_cached_apart_from_plain_ones(manifest):
    plain, equalised = opened(manifest)[1], opened(manifest, **{"image.equalise": "clahe"})[1]
    assert (np.asarray(plain.parts["train"].images) != np.asarray(equalised.parts["train"].images)).any()
