"""The demonstration, on a few small synthetic images."""

import pytest
from PIL import Image

from core import demo
from core.data import library, phantom
from core.recipes import fitting
from core.runs import store
from core.training import worker


@pytest.fixture
def small_phantom(monkeypatch):
    write = phantom.write
    monkeypatch.setattr(phantom, "write", lambda folder, progress=None: write(folder, per_class=16, size=48, progress=progress))


@pytest.mark.usefixtures("small_phantom")
def test_the_demonstration_trains_on_synthetic_images_and_draws_a_heat_map_of_a_finding():
    recipe = demo.recipe()
    assert recipe.data.synthetic
    quick = fitting.draft(recipe="demo", epochs=1, batch_size=8, **{"image.size": 40})
    run = store.create(fitting.fit(quick, library.open_dataset(library.PHANTOM))[0])
    worker.run(run)
    path, label = demo.draw_heat_map(run)
    assert Image.open(path).size == (demo.PICTURE_SIZE, demo.PICTURE_SIZE)
    assert label in phantom.CLASSES
