"""An exported file answers as the run does, says what it is, and is not written where it would not."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from core import wording
from core.data.images import XRay
from core.data.preparation import prepare
from core.errors import CoreError, InvalidSpec, UnusableRun
from core.export import onnx as exports
from core.export.onnx import LIMIT, Exported, Session, export
from core.inference import Predictor
from core.models import classifier
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs.store import Run

pytest.importorskip("onnx", reason="exporting is an extra")
pytest.importorskip("onnxscript", reason="exporting is an extra")
pytest.importorskip("onnxruntime", reason="exporting is an extra")

CLASSES = ("covid", "normal", "“pneumonia”")
IMAGES = [np.random.default_rng(seed).integers(0, 256, (40 + seed, 70 - seed), np.uint8) for seed in range(4)]
LIGHT = {"alasfoor-cnn22": 32, "darkcovidnet": 16, "edgenet": 96, "resnet18": 33}
"""Networks that export within a second or two, at sizes that are quick."""


@dataclass(frozen=True)
class Made:
    run: Run
    exported: Exported

    @property
    def session(self) -> Session:
        return Session(self.exported.path, threads=1)


def make_run(folder: Path, model: str = "alasfoor-cnn22", **changes: object) -> Run:
    """A run as if trained on synthetic images: random weights, batch statistics of noise, answers that differ from image to image."""
    torch.manual_seed(0)
    data = DataSpec(name="set", sha256="0" * 64, classes=CLASSES, synthetic=True)
    recipe = compose(data, model, **{"image.size": LIGHT[model], "image.resize": "pad", "batch_size": 4, **changes})
    network = classifier.create(model, len(CLASSES), recipe.image.size, "train")
    network.mean.fill_(0.5)
    network.std.fill_(0.2)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(torch.rand(8, 1, recipe.image.size, recipe.image.size))
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    run = Run(folder)
    run.write_weights(network.state_dict(), epoch=7)
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("export")
    run = make_run(folder / "run-1", **{"weights.source": "file", "weights.place": "/home/me/secret/first.pt"})
    return Made(run, export(run, folder / "model.onnx", IMAGES))


def expected(run: Run, pixels: np.ndarray) -> list[float]:
    return list(Predictor(run).answer(XRay(pixels, "x.png", "L", "PNG", ())).probabilities.values())


def test_a_file_answers_as_the_run_does(made: Made) -> None:
    for pixels in IMAGES:
        assert made.session.probabilities(pixels[None])[0].tolist() == pytest.approx(expected(made.run, pixels), abs=1e-5)
    answers = [expected(made.run, pixels) for pixels in IMAGES]
    assert np.ptp(answers, axis=0).max() > 0.01, "the images must differ in their answers, or nothing was compared"


def test_images_of_one_size_are_answered_together(made: Made) -> None:
    batch = np.stack([IMAGES[0], 255 - IMAGES[0], IMAGES[0] // 2])
    together = made.session.probabilities(batch)
    assert together.shape == (3, len(CLASSES))
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=1e-5)
    for pixels, shares in zip(batch, together, strict=True):
        assert shares.tolist() == pytest.approx(expected(made.run, pixels), abs=1e-5)


def test_a_prepared_picture_gives_what_its_image_gives(made: Made) -> None:
    prepared = prepare(IMAGES[0], made.run.recipe().image.preparation)
    assert made.session.probabilities(prepared[None])[0].tolist() == pytest.approx(expected(made.run, IMAGES[0]), abs=1e-5)


def test_a_file_says_what_it_is(made: Made) -> None:
    session, recipe = made.session, made.run.recipe()
    assert session.classes == CLASSES
    said = session.metadata
    assert said["notice"] == wording.MEDICAL_NOTE
    assert wording.SYNTHETIC_NOTE in said["cautions"]
    assert (said["run_id"], said["recipe_id"], said["weights_epoch"]) == ("run-1", recipe.id, "7")
    assert "as read from the file" in said["input"]
    assert float(said["largest_difference"]) == pytest.approx(made.exported.largest_difference, rel=0.01)
    assert said["compared_on"] == "4 images"


def test_a_file_holds_the_recipe_without_this_machines_folders(made: Made) -> None:
    recipe = json.loads(made.session.metadata["recipe"])
    assert recipe["weights"]["place"] == "first.pt"
    assert recipe["image"]["resize"] == "pad"
    assert b"secret" not in made.exported.path.read_bytes()


def test_the_largest_difference_is_that_of_the_images_given(made: Made) -> None:
    assert (made.exported.input, made.exported.compared_on) == ("image", 4)
    apart = [np.abs(made.session.probabilities(pixels[None])[0] - expected(made.run, pixels)).max() for pixels in IMAGES]
    assert made.exported.largest_difference == pytest.approx(max(apart), abs=1e-7)


def test_a_file_and_its_bytes_are_the_same_model(made: Made) -> None:
    from_bytes = Session(made.exported.path.read_bytes())
    np.testing.assert_array_equal(from_bytes.probabilities(IMAGES[1][None]), made.session.probabilities(IMAGES[1][None]))


def test_without_images_it_is_compared_on_phantoms(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    monkeypatch.setattr(exports, "_converted", lambda *_: onnx.load(made.exported.path))
    monkeypatch.setattr(exports, "CHECKED", 6)
    exported = export(made.run, tmp_path / "model.onnx")
    assert exported.compared_on == 6
    assert Session(exported.path).metadata["compared_on"] == "6 phantoms"
    assert exported.largest_difference <= LIMIT


def test_with_clahe_a_file_takes_prepared_pictures(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", **{"image.equalise": "clahe"})
    exported = export(run, tmp_path / "model.onnx", IMAGES[:2])
    session, how = Session(exported.path), run.recipe().image.preparation
    assert exported.input == "prepared"
    assert "already prepared" in session.metadata["input"]
    assert "clahe" in session.metadata["input"]
    shares = session.probabilities(np.stack([prepare(pixels, how) for pixels in IMAGES[:3]]))
    assert shares[2].tolist() == pytest.approx(expected(run, IMAGES[2]), abs=1e-5)
    with pytest.raises(InvalidSpec, match="32, 32"):
        session.probabilities(IMAGES[0][None])


@pytest.mark.parametrize("model", [model for model in LIGHT if model != "alasfoor-cnn22"])
def test_other_networks_export_for_prepared_pictures_on_request(model: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", model)
    exported = export(run, tmp_path / "model.onnx", IMAGES, prepared=True)
    assert exported.input == "prepared"
    assert exported.largest_difference < 1e-4


@pytest.mark.parametrize("wrong", [IMAGES[0], IMAGES[0][None].astype(np.float32), IMAGES[0][None, None], np.zeros((1, 0, 5), np.uint8)])
def test_other_arrays_are_refused(made: Made, wrong: np.ndarray) -> None:
    with pytest.raises(InvalidSpec, match=r"takes uint8 \[batch, height, width\]"):
        made.session.probabilities(wrong)


@pytest.mark.parametrize("difference", [1.1 * LIMIT, float("nan")])
def test_no_file_is_left_of_a_model_that_answers_otherwise(
    difference: float, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    monkeypatch.setattr(exports, "_converted", lambda *_: onnx.load(made.exported.path))  # converting takes its time
    monkeypatch.setattr(exports, "_largest_difference", lambda *_: difference)
    with pytest.raises(CoreError, match="same probabilities"):
        export(made.run, tmp_path / "out" / "model.onnx", IMAGES[:1])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_difference_is_seen(made: Made) -> None:
    predictor, session = Predictor(made.run), made.session
    assert exports._largest_difference(session, predictor, IMAGES, "image") < 1e-5
    with torch.no_grad():
        predictor.model.std.mul_(1.5)
    assert exports._largest_difference(session, predictor, IMAGES, "image") > LIMIT


def test_weights_that_do_not_fit_into_one_file_are_refused(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "LARGEST", 1000)
    with pytest.raises(CoreError, match="2 GiB"):
        export(made.run, tmp_path / "model.onnx", IMAGES[:1])


def test_a_run_without_a_model_cannot_be_exported(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run.folder / "model.safetensors").unlink()
    with pytest.raises(UnusableRun):
        export(run, tmp_path / "model.onnx")


def test_a_missing_package_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CoreError, match="pip install onnxscript onnxruntime"):
        export(make_run(tmp_path / "run"), tmp_path / "model.onnx")
    with pytest.raises(CoreError, match="pip install onnxruntime"):
        Session(tmp_path / "model.onnx")


def test_other_files_are_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import parser

    foreign = tmp_path / "foreign.onnx"
    onnx.save(parser.parse_model('<ir_version: 10, opset_import: ["": 18]> g (float[n] x) => (float[n] y) { y = Relu(x) }'), foreign)
    (tmp_path / "text.onnx").write_text("no model")
    for source in (foreign, tmp_path / "text.onnx", tmp_path / "missing.onnx", b"", b"no model"):
        with pytest.raises(CoreError, match="written here"):
            Session(source)
