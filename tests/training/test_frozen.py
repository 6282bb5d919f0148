"""A head trained on stored features is the head trained under its trunk, and the whole network comes out of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.data import batches, library
from core.data.batches import Augmentation, Feed
from core.models import classifier
from core.recipes import creation, fitting
from core.training import distributed, execution, feeds, frozen, loop
from core.training.events import EpochDone

CPU = torch.device("cpu")
PLAIN = {f"augmentation.{name}": 0.0 for name in ("rotation", "zoom", "shift", "brightness", "contrast")}
TINY = {"image.size": 24, "epochs": 4, "batch_size": 7, "frozen": True, "precision": "fp32"}
OWN_HEAD, POOLED = {}, {"head": {"kind": "pooled", "hidden": 8, "batch_norm": True, "dropout": 0.3}}


@pytest.fixture
def manifest(make_folder):
    """30 images, of which 22 train: batches of 7 leave one image out."""
    return library.open_dataset(str(make_folder({"a": 17, "b": 17}, size=24, patients=1, name="set")))


@pytest.fixture
def prepared(manifest):
    def prepared_(**changes):
        recipe, _ = fitting.fit(fitting.draft(model="alasfoor-cnn22", **(TINY | changes)), manifest)
        return recipe, feeds.open_feeds(recipe, manifest, CPU), execution.choose(recipe, "cpu")

    return prepared_


def start(recipe, data):
    torch.manual_seed(recipe.seed)
    model = creation.untrained(recipe)
    classifier.fit_normalisation(model, recipe.image.normalisation, (x for x, _ in data.parts["train"].in_order()))
    return loop.Progress(model, torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=1.0))


def trained(recipe, data, how, with_cache=True, progress=None, epochs=None):
    """(epochs' results, progress) of a training with features computed once, or without."""
    progress = progress or start(recipe, data)
    rates = np.full(recipe.epochs * data.parts["train"].steps(), 0.01)
    plan = loop.Plan(epochs or recipe.epochs, rates, data.augmentation, recipe.seed, keep="last")
    if with_cache:
        with frozen.fed(progress, data, recipe, how) as (train, validation):
            events = list(loop.fit(progress, train, validation, plan, how))
    else:
        events = list(loop.fit(progress, data.parts["train"], data.parts["validation"], plan, how))
    return [event for event in events if isinstance(event, EpochDone)], progress


def assert_same(one, other, tolerance=1e-4):
    for left, right in zip(one[0], other[0], strict=True):
        for a, b in ((left.train, right.train), (left.validation, right.validation)):
            assert (a.loss, a.accuracy) == pytest.approx((b.loss, b.accuracy), abs=tolerance)
    first, second = one[1].model.state_dict(), other[1].model.state_dict()
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=tolerance, rtol=0)


@pytest.mark.parametrize("head", [OWN_HEAD, POOLED], ids=["own", "pooled"])
@pytest.mark.parametrize("model", ["alasfoor-cnn22", "darkcovidnet"])
def test_without_augmentation_the_training_equals_that_under_the_trunk(model, head, prepared):
    recipe, data, how = prepared(**PLAIN, **head)
    recipe = recipe.model_copy(update={"model": model})
    assert_same(trained(recipe, data, how), trained(recipe, data, how, with_cache=False))


def test_in_reference_mode_the_weights_are_the_same_but_for_rounding(prepared):
    recipe, data, how = prepared(**PLAIN, reference=True)
    with execution.prepared(how):
        assert_same(trained(recipe, data, how), trained(recipe, data, how, with_cache=False), tolerance=1e-5)


@pytest.mark.parametrize("views", [4, 9])
def test_with_as_many_views_as_epochs_the_training_equals_that_with_new_draws(views, prepared):
    recipe, data, how = prepared(**POOLED, frozen_views=views)
    assert recipe.feature_views == 4
    assert_same(trained(recipe, data, how), trained(recipe, data, how, with_cache=False))


def test_without_views_an_augmented_training_draws_anew(prepared):
    recipe, data, how = prepared(frozen_views=0)
    progress = start(recipe, data)
    with frozen.fed(progress, data, recipe, how) as (train, validation):
        assert (train, validation) == (data.parts["train"], data.parts["validation"])
        assert isinstance(progress.model, classifier.Classifier)


def test_the_views_come_in_turn_and_hold_every_image(prepared):
    recipe, data, how = prepared(frozen_views=2)
    with frozen.fed(start(recipe, data), data, recipe, how) as (train, validation):
        assert train.features.shape[:2] == (2, len(data.parts["train"]))
        assert len(validation) == len(data.parts["validation"])
        assert train.features.isfinite().all()
        by_epoch = {epoch: rows_by_content(train, epoch) for epoch in (1, 2, 3)}
    assert by_epoch[1] & by_epoch[3]
    assert not by_epoch[1] & by_epoch[2]


def rows_by_content(feed, epoch):
    return {row.numpy().tobytes() for x, _ in feed.shuffled(Augmentation(), 0, epoch) for row in x}


@pytest.mark.parametrize("images", [21, 22, 25])
def test_stored_features_come_in_the_order_of_the_images(images):
    rng = np.random.default_rng(0)
    pictures, labels = rng.integers(0, 255, (images, 8, 8)).astype(np.uint8), rng.integers(0, 2, images)
    feed = Feed(pictures, labels, np.arange(images), 7, CPU)
    same = frozen.FeatureFeed(batches.to_unit(torch.from_numpy(pictures))[None], torch.from_numpy(labels), 7)
    assert (len(same), same.steps()) == (len(feed), feed.steps())
    for method in (lambda feed: feed.in_order(), lambda feed: feed.shuffled(Augmentation(), 3, 2)):
        for (x, y), (other_x, other_y) in zip(method(same), method(feed), strict=True):
            assert torch.equal(x, other_x)
            assert torch.equal(y, other_y)


def test_the_trunk_runs_once_an_image_and_view(prepared):
    recipe, data, how = prepared(frozen_views=3)
    progress, seen, told = start(recipe, data), [], []
    progress.model.layer("conv_1").register_forward_hook(lambda _layer, given, _output: seen.append(len(given[0])))
    with frozen.fed(progress, data, recipe, how, lambda done, total: told.append((done, total))) as (train, validation):
        plan = loop.Plan(4, np.full(4 * train.steps(), 0.01), data.augmentation, 0, "last")
        list(loop.fit(progress, train, validation, plan, how))
    expected = 3 * len(data.parts["train"]) + len(data.parts["validation"])
    assert sum(seen) == expected + 2  # two to see whether the head runs alone
    assert told[-1] == (expected, expected)
    assert len(told) > 3


def test_the_work_can_be_stopped_while_features_are_computed(prepared):
    recipe, data, how = prepared(frozen_views=3)
    progress = start(recipe, data)

    def stop(done, _total):
        if done > 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), frozen.fed(progress, data, recipe, how, stop):
        pytest.fail("the block ran")
    assert isinstance(progress.model, classifier.Classifier)


def test_a_training_that_goes_on_finds_the_features_and_equals_one_that_went_through(prepared, monkeypatch):
    recipe, data, how = prepared(**POOLED, frozen_views=2)
    whole = trained(recipe, data, how)
    _, half = trained(recipe, data, how, epochs=2)
    monkeypatch.setattr(frozen, "_computed", lambda *_: pytest.fail("computed again"))
    rest, half = trained(recipe, data, how, progress=half)
    assert_same((whole[0][2:], whole[1]), (rest, half), tolerance=0)


def test_other_weights_or_another_draw_have_features_of_their_own(prepared):
    recipe, data, how = prepared(frozen_views=2)
    model = start(recipe, data).model
    path = frozen._path(model, recipe, how)
    assert frozen._path(model, recipe.model_copy(update={"seed": 5}), how) != path
    assert frozen._path(model, recipe.model_copy(update={"frozen_views": 3}), how) != path
    assert frozen._path(model, recipe, replace(how, bf16=True)) != path
    with torch.no_grad():
        model.network.fc_1.weight.add_(1)
    assert frozen._path(model, recipe, how) == path  # of the head
    with torch.no_grad():
        model.layer("conv_1").weight.add_(1)
    assert frozen._path(model, recipe, how) != path


def test_damaged_stored_features_are_computed_again(prepared):
    recipe, data, how = prepared(**PLAIN)
    first = trained(recipe, data, how)
    path = frozen._path(first[1].model, recipe, how)
    path.write_bytes(b"damaged")
    assert_same(trained(recipe, data, how), first, tolerance=0)
    assert path.stat().st_size > 100


def test_features_without_room_leave_the_trunk_running_on_the_same_views(prepared, monkeypatch, caplog):
    recipe, data, how = prepared(frozen_views=2)
    monkeypatch.setattr(frozen.memory, "available", lambda _device: 1000)
    progress = start(recipe, data)
    with caplog.at_level(logging.INFO), frozen.fed(progress, data, recipe, how) as (train, validation):
        assert isinstance(progress.model, classifier.Classifier)
        assert validation is data.parts["validation"]
        images = {epoch: rows_by_content_of_images(train, data, epoch) for epoch in (1, 2, 3)}
    assert images[1] == images[3] != images[2]
    assert "The trunk runs in every epoch: its features take" in caplog.text


def rows_by_content_of_images(feed, data, epoch):
    return {row.numpy().tobytes() for x, _ in feed.shuffled(data.augmentation, 0, epoch) for row in x}


def test_features_without_room_leave_plain_images_in_a_new_order_in_every_epoch(prepared, monkeypatch):
    recipe, data, how = prepared(**PLAIN)
    monkeypatch.setattr(frozen.memory, "available", lambda _device: 1000)
    with frozen.fed(start(recipe, data), data, recipe, how) as (train, _):
        assert train is data.parts["train"]


def test_a_head_that_does_not_run_alone_is_found_out(prepared, monkeypatch, caplog):
    recipe, data, how = prepared(**PLAIN)
    monkeypatch.setattr(classifier.Classifier, "_head_layers", lambda model: [model.network.fc_1, model.network.fc_2, nn.Softmax(1)])
    with caplog.at_level(logging.INFO), frozen.fed(start(recipe, data), data, recipe, how) as (train, _):
        assert train is data.parts["train"]
    assert "does not run alone" in caplog.text


def test_bf16_features_are_stored_as_the_head_gets_them(prepared):
    recipe, data, how = prepared(**PLAIN, **POOLED, precision="bf16")
    with frozen.fed(start(recipe, data), data, recipe, how) as (train, _):
        assert train.features.dtype == torch.bfloat16
    assert_same(trained(recipe, data, how), trained(recipe, data, how, with_cache=False), tolerance=5e-3)


@pytest.mark.parametrize("start", [0, 2, 3])
def test_an_epoch_of_views_entered_in_the_middle_gives_what_is_left_of_it(start):
    rng = np.random.default_rng(0)
    pictures, labels = rng.integers(0, 255, (22, 8, 8)).astype(np.uint8), rng.integers(0, 2, 22)
    stored = frozen.FeatureFeed(torch.rand(2, 22, 3), torch.from_numpy(labels), 7)
    replayed = frozen.ReplayedFeed(pictures, labels, np.arange(22), 7, CPU, views=2)
    for feed in (stored, replayed):
        whole, rest = (list(feed.shuffled(Augmentation(noise=0.1), 3, 4, first)) for first in (0, start))
        for (x, y), (same_x, same_y) in zip(whole[start:], rest, strict=True):
            assert torch.equal(x, same_x)
            assert torch.equal(y, same_y)


def test_several_processes_share_the_trunk_s_work(prepared):
    recipe, data, how = prepared(**PLAIN)
    several = replace(how, group=distributed.Group(0, 2))
    with frozen.fed(start(recipe, data), data, recipe, several) as (train, _):
        assert train is data.parts["train"]
