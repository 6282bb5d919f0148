"""ONNX Runtime answers only where it is equal and faster; what a person sees does not change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core import accelerated, background
from core.accelerated import GAIN, Trial
from core.data.images import XRay
from core.errors import CoreError
from core.inference import Predictor
from core.models import classifier
from core.models.features import recorded
from core.recipes.recipe import compose
from core.recipes.specs import DataSpec
from core.runs.store import Run

for package in accelerated.PACKAGES:
    pytest.importorskip(package, reason="ONNX is an extra")

PICTURES = [np.random.default_rng(seed).integers(0, 256, (40 + seed, 70 - seed), np.uint8) for seed in range(6)]
XRAYS = [XRay(pixels, "scan.png", "L", "PNG", ()) for pixels in PICTURES]
PREPARED = [pixels[:32, :32] for pixels in PICTURES]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A run with random weights, and its graph."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("accelerated") / "run-1"
    folder.mkdir()
    recipe = compose(DataSpec(name="set", sha256="0" * 64, classes=("a", "b", "c")), "darkcovidnet", **{"image.size": 32, "batch_size": 4})
    network = classifier.create("darkcovidnet", 3, 32, "train")
    network.mean.fill_(0.5)
    network.std.fill_(0.2)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(torch.rand(8, 1, 32, 32))
    (folder / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    run = Run(folder)
    run.write_weights(network.state_dict(), epoch=1)
    accelerated.write_graph(run, graph := folder / "network.onnx")
    return run, graph


@pytest.fixture
def graph(made: tuple[Run, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The graph's making costs seconds: it is copied where a test makes it."""
    monkeypatch.setattr(accelerated, "_make", lambda _run, path: (path.parent.mkdir(parents=True), path.write_bytes(made[1].read_bytes())))
    return made[1]


def faster(by_torch: object, by_onnx: object, images: object) -> Trial:
    """The outcome of a machine on which ONNX Runtime is twice as fast; the differences are measured."""
    found = TRIED(by_torch, by_onnx, images)
    return Trial(found.probabilities, found.features, 20.0, 10.0, found.images)


TRIED = accelerated.tried


def sped_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> Predictor:
    monkeypatch.setattr(accelerated, "tried", faster)
    predictor = Predictor(run)
    predictor.accelerate()
    background.pool("acceleration").wait(predictor._acceleration, 60)
    assert predictor._fast is not None
    return predictor


@pytest.mark.usefixtures("graph")
def test_answers_are_the_same_before_and_after(made: tuple[Run, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = Predictor(made[0]).answer_batch(XRAYS), sped_up(made[0], monkeypatch).answer_batch(XRAYS)
    shares = [[list(answer.probabilities.values()) for answer in answers] for answers in (before, after)]
    assert np.ptp(shares[0], axis=0).max() > 0.01, "the images must differ in their answers, or nothing was compared"
    np.testing.assert_allclose(shares[1], shares[0], atol=1e-4)
    assert [answer.label for answer in after] == [answer.label for answer in before]


def test_the_graph_gives_the_features_of_the_layer_that_the_guard_reads(made: tuple[Run, Path]) -> None:
    predictor = Predictor(made[0])
    x = torch.rand(3, 1, 32, 32)
    with torch.inference_mode(), recorded(predictor.model.layer(predictor.architecture.cam_layer)) as found:
        logits = predictor.model(x)
    got = accelerated.Session(made[1])(x.numpy())
    np.testing.assert_allclose(got[0], logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(got[1], found[0], rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("graph")
def test_what_is_nearly_a_tie_is_decided_by_torch(made: tuple[Run, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = sped_up(made[0], monkeypatch)
    expected = Predictor(made[0]).answer(XRAYS[0])
    tie, sure = np.array([[1.0, 1.0 + 1e-5, 0.0]], np.float32), np.array([[0.0, 0.0, 3.0]], np.float32)
    features = np.zeros((1, 4), np.float32)
    monkeypatch.setattr(predictor, "_fast", lambda _: (tie, features))
    assert predictor.answer(XRAYS[0]).probabilities == expected.probabilities
    monkeypatch.setattr(predictor, "_fast", lambda _: (sure, features))
    assert predictor.answer(XRAYS[0]).label == "c"


@pytest.mark.parametrize(
    ("trial", "reason"),
    [
        (Trial(1e-6, 1e-6, 20, 10, 8), ""),
        (Trial(2e-4, 1e-6, 20, 10, 8), "not equal"),
        (Trial(1e-6, 2e-3, 20, 10, 8), "not equal"),
        (Trial(float("nan"), 1e-6, 20, 10, 8), "not equal"),
        (Trial(1e-6, 1e-6, 10 * GAIN - 0.1, 10, 8), "not faster"),
    ],
)
def test_torch_is_used_where_the_other_is_not_equal_or_not_faster(trial: Trial, reason: str) -> None:
    assert trial.reason.startswith(reason)
    assert bool(trial.reason) == bool(reason)


def test_a_difference_is_found() -> None:
    def one(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([[x.mean(), 0.0]], np.float32), np.array([[1.0, 2.0]], np.float32)

    def other(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, features = one(x)
        return logits + np.float32([[0.1, 0]]), features * 1.01

    trial = accelerated.tried(one, other, PREPARED)
    assert trial.probabilities == pytest.approx(0.025, abs=0.005)
    assert trial.features == pytest.approx(0.01, rel=0.01)
    assert accelerated.tried(one, one, PREPARED).reason.startswith(("", "not faster"))


@pytest.mark.usefixtures("graph")
def test_the_outcome_is_kept_and_a_graph_that_is_not_used_is_not(
    made: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accelerated, "tried", lambda *_: Trial(1e-6, 1e-6, 10, 20, 6))
    by_torch = Predictor(made[0])._by_torch
    assert accelerated.session(made[0], tmp_path, by_torch, PREPARED) is None
    (verdict,) = tmp_path.glob("*/trial.json")
    assert json.loads(verdict.read_text())["reason"].startswith("not faster")
    assert not list(tmp_path.glob("*/*.onnx"))
    monkeypatch.setattr(accelerated, "_make", None)  # it is not made again
    assert accelerated.session(made[0], tmp_path, by_torch, PREPARED) is None


def test_a_network_that_cannot_be_written_stays_with_torch(made: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise CoreError("A rule.", "a network", "A way out.")

    monkeypatch.setattr(accelerated, "_make", fails)
    assert accelerated.session(made[0], tmp_path, Predictor(made[0])._by_torch, PREPARED) is None
    assert "A rule." in json.loads(next(tmp_path.glob("*/trial.json")).read_text())["reason"]


def test_a_making_that_was_cut_short_is_tried_again(made: tuple[Run, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(subprocess.Popen):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)
            self.kill()

    monkeypatch.setattr(subprocess, "Popen", Killed)
    assert accelerated.session(made[0], tmp_path, Predictor(made[0])._by_torch, PREPARED) is None
    assert not list(tmp_path.glob("*/trial.json"))


def test_a_predictor_of_other_weights_stays_with_torch(made: tuple[Run, Path]) -> None:
    predictor = Predictor(made[0], made[0].weights())
    predictor.accelerate()
    assert background.pool("acceleration").look(predictor._acceleration) is None


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system has no class for what nobody else wants")
def test_a_graph_is_made_behind_all_other_work() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        accelerated._put_behind_all_others(child.pid)
        assert (os.sched_getscheduler(child.pid), os.getpriority(os.PRIO_PROCESS, child.pid)) == (os.SCHED_IDLE, 10)
        child.kill()
    accelerated._put_behind_all_others(child.pid)  # who has ended needs no place


SESSIONS = Path("/proc/self/autogroup")  # empty where the system could, and does not


@pytest.mark.skipif(not (SESSIONS.is_file() and SESSIONS.read_text()), reason="this system does not share its cores among sessions")
@pytest.mark.parametrize("own", [True, False])
def test_a_session_of_its_own_goes_behind_all_other_sessions_and_no_other_does(own: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=own) as child:
        accelerated._put_behind_all_others(child.pid)
        assert (Path(f"/proc/{child.pid}/autogroup").read_text().split()[-1] == "19") is own
        child.kill()
