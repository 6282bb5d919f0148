"""Weights from files, runs and caches: what fits is loaded, what does not is named, and nothing is made up."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save_file
from torchvision import models

from core.errors import InvalidSpec, UnusableWeights
from core.models import imagenet, weights
from core.models.classifier import Classifier, create
from core.models.registry import OWN_HEAD, Head

TINY = "test_resnet"  # of timm: 0.5 M parameters, ImageNet weights at "timm/test_resnet.r160_in1k"
POOLED = Head("pooled", hidden=16, batch_norm=True)


def fresh(model: str = TINY, classes: int = 3, head: Head = OWN_HEAD, seed: int = 7, size: int = 64) -> Classifier:
    torch.manual_seed(seed)
    return create(model, classes, size, "train", head)


def trained(classes: int = 1000, model: str = TINY) -> dict[str, torch.Tensor]:
    """A bare network's state, with every value unlike a fresh one."""
    torch.manual_seed(1)
    state = timm.create_model(model, num_classes=classes).state_dict()
    return {key: value + 0.01 if value.is_floating_point() else value + 5 for key, value in state.items()}


def holds(model: Classifier, state: dict[str, torch.Tensor], *, without: tuple[str, ...] = ("fc",), prefix: str = "") -> bool:
    ours = model.network.state_dict()
    return all(torch.equal(ours[prefix + key], value) for key, value in state.items() if not key.startswith(without))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches of Hugging Face and torch."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(imagenet, "_answers", lambda _url: False)
    return tmp_path


def cache(folder: Path, repository: str, state: dict[str, torch.Tensor]) -> Path:
    """What a download leaves in a cache of Hugging Face."""
    home, commit = folder / f"models--{repository.replace('/', '--')}", "0" * 40
    (home / "snapshots" / commit).mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    file = home / "snapshots" / commit / "model.safetensors"
    save_file(state, file)
    return file


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_a_bare_network_s_file_is_loaded_and_its_classifier_is_fitted_anew(tmp_path: Path, suffix: str) -> None:
    state, path, model = trained(), tmp_path / f"weights{suffix}", fresh()
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    before = model.network.fc.weight.clone()
    report = weights.load(model, "file", str(path), model=TINY)
    assert holds(model, state)
    assert torch.equal(model.network.fc.weight, before)
    assert report.fresh == ("fc",)
    assert report.loaded == len(state) - 2
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "new from random values: fc" in str(report)


def test_a_classifier_as_wide_as_ours_is_loaded_too() -> None:
    state, model = trained(3), fresh()
    assert weights.load_state(model, state, "a run", model=TINY).fresh == ()
    assert holds(model, state, without=("nothing",))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state, "optimizer": {"lr": 1.0}},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {f"_orig_mod.{key}": value for key, value in state.items()},
    ],
    ids=["state_dict", "model", "DataParallel", "compiled"],
)
def test_what_checkpoints_put_around_the_weights_is_taken_off(tmp_path: Path, wrap) -> None:
    state, model = trained(), fresh()
    torch.save(wrap(state), tmp_path / "checkpoint.pth")
    weights.load(model, "file", str(tmp_path / "checkpoint.pth"), model=TINY)
    assert holds(model, state)


def test_a_run_s_model_gives_its_weights_but_not_its_normalisation() -> None:
    run, model = fresh(classes=4, seed=1), fresh()
    run.mean.fill_(0.4)
    report = weights.load_state(model, run.state_dict(), "a run", model=TINY)
    assert holds(model, run.network.state_dict())
    assert model.mean.item() == 0
    assert (report.fresh, report.ignored) == (("fc",), ())
    again = weights.load_state(fresh(), run.state_dict(), "a run", model=TINY)
    assert len(report.sha256) == 64
    assert report.sha256 == again.sha256


@pytest.mark.parametrize(("theirs", "ours"), [(Head(), POOLED), (POOLED, Head()), (POOLED, POOLED)], ids=["to-pooled", "to-own", "same"])
def test_the_trunk_is_taken_whatever_head_stood_on_it(theirs: Head, ours: Head) -> None:
    run, model = fresh(head=theirs, seed=1), fresh(head=ours)
    report = weights.load_state(model, run.state_dict(), "a run", model=TINY)
    torch.testing.assert_close(model.layer("layer4").state_dict(), run.layer("layer4").state_dict(), rtol=0, atol=0)
    if theirs == ours:
        assert report.fresh == report.ignored == ()
    else:
        assert report.fresh
        assert all(layer.startswith(("head.", "fc")) for layer in (*report.fresh, *report.ignored))


def test_an_own_cnn_of_another_size_keeps_its_convolutions() -> None:
    run, model = fresh("alasfoor-cnn22", seed=1, size=64), fresh("alasfoor-cnn22", size=32)
    assert weights.load_state(model, run.state_dict(), "a run", model="alasfoor-cnn22").fresh == ("fc_1",)
    assert torch.equal(model.network.fc_2.weight, run.network.fc_2.weight)


def test_weights_of_another_architecture_are_refused_and_nothing_is_changed() -> None:
    model = fresh("resnet18")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    rule = r"here ResNet-18\. Received: resnet50\.pth, in which \d+ tensors differ: layer1\.0\.conv1\.weight is 64×64×1×1, not 64×64×3×3; "
    with pytest.raises(UnusableWeights, match=rule):
        weights.load_state(model, trained(model="resnet50"), "resnet50.pth", model="resnet18")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_deeper_network_s_weights_are_refused() -> None:
    with pytest.raises(UnusableWeights, match=r"layer1\.2\.conv1\.weight has no place"):
        weights.load_state(fresh("resnet18"), trained(model="resnet34"), "resnet34.pth", model="resnet18")


def test_weights_that_are_not_finite_are_refused() -> None:
    state = trained()
    state["layer1.0.conv1.weight"][0] = float("nan")
    with pytest.raises(UnusableWeights, match=r"NaN or infinity in layer1\.0\.conv1\.weight"):
        weights.load_state(fresh(), state, "diverged", model=TINY)


def test_half_precision_becomes_single() -> None:
    state, model = {key: value.half() if value.is_floating_point() else value for key, value in trained().items()}, fresh()
    weights.load_state(model, state, "half", model=TINY)
    loaded = model.network.state_dict()["layer1.0.conv1.weight"]
    assert loaded.dtype == torch.float32
    torch.testing.assert_close(loaded, state["layer1.0.conv1.weight"].float())


def test_torchvision_s_naming_is_translated_by_timm() -> None:
    torch.manual_seed(1)
    theirs, model = models.densenet201(num_classes=10).state_dict(), fresh("densenet201")
    old = {
        key.replace("norm1.", "norm.1.").replace("conv1.", "conv.1."): value
        for key, value in theirs.items()
        if not key.endswith("num_batches_tracked")
    }  # as the files of its first years
    assert weights.load_state(model, old, "densenet201", model="densenet201").fresh == ("classifier",)
    assert torch.equal(model.network.features.conv0.weight, theirs["features.conv0.weight"])
    path = "features.denseblock1.denselayer1.conv1.weight"
    assert torch.equal(model.network.state_dict()[path], theirs[path])


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harmed",)


def test_a_pickled_file_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Harmful()}, "zip.pth")
    Path("plain.pth").write_bytes(pickle.dumps(Harmful(), protocol=2))
    for name in ("zip.pth", "plain.pth"):
        with pytest.raises(UnusableWeights, match=f"never code. Received: {name}, a pickled file that asks for code"):
            weights.load(fresh(), "file", name, model=TINY)
    assert not Path("harmed").exists()


@pytest.mark.parametrize("name", ["cut.safetensors", "cut.pth", "noise.pth", "noise.safetensors", "empty.pth", "empty.safetensors"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save_file(trained(), path) if name.endswith(".safetensors") else torch.save(trained(), path)
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"no weights at all" * 99, "empty": b""}[path.stem])
    with pytest.raises(UnusableWeights, match=f"can be read whole. Received: {name}, which is damaged or of another format"):
        weights.load(fresh(), "file", str(path), model=TINY)


def test_a_missing_file_a_folder_and_another_format_are_refused(tmp_path: Path) -> None:
    for place, reason in ((tmp_path / "none.pth", "does not exist"), (tmp_path, "does not exist")):
        with pytest.raises(UnusableWeights, match=reason):
            weights.load(fresh(), "file", str(place), model=TINY)
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(UnusableWeights, match=r"read from \.safetensors, \.pth or \.pt files"):
        weights.load(fresh(), "file", str(tmp_path / "weights.h5"), model=TINY)
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    with pytest.raises(UnusableWeights, match="which holds none"):
        weights.load(fresh(), "file", str(tmp_path / "none.pt"), model=TINY)


@pytest.mark.parametrize(("head", "prefix"), [(Head(), ""), (POOLED, "trunk.")], ids=["own", "pooled"])
def test_imagenet_weights_come_from_the_hugging_face_cache_without_a_network(hub: Path, head: Head, prefix: str) -> None:
    state, model = trained(), fresh(head=head)
    file = cache(hub / "hf", "timm/test_resnet.r160_in1k", state)
    report = weights.load(model, "imagenet", model=TINY)
    assert holds(model, state, prefix=prefix)
    assert report.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert report.fresh


def test_a_cache_in_hf_home_is_used_by_a_fresh_process(tmp_path: Path) -> None:
    cache(tmp_path / "hub", "timm/test_resnet.r160_in1k", trained())
    code = (
        "from core.models import classifier, weights; "
        "print(weights.load(classifier.create('test_resnet', 3, 64, 'imagenet'), 'imagenet', model='test_resnet').loaded)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | {"HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(len(trained()) - 2), done.stderr


def test_imagenet_weights_come_from_torch_s_cache_without_a_network(hub: Path) -> None:
    torch.manual_seed(1)
    state = models.GoogLeNet(num_classes=1000, aux_logits=True, init_weights=True).state_dict()  # the file has auxiliary classifiers
    folder = hub / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / "googlenet-1378be20.pth")
    model = fresh("googlenet")
    report = weights.load(model, "imagenet", model="googlenet")
    assert report.fresh == ("fc",)
    assert all(layer.startswith("aux") for layer in report.ignored)
    assert holds(model, state, without=("fc", "aux"))


def test_a_damaged_cache_is_named(hub: Path) -> None:
    cache(hub / "hf", "timm/test_resnet.r160_in1k", trained()).write_bytes(b"broken")
    with pytest.raises(UnusableWeights, match=r"model\.safetensors, which cannot be read for test_resnet .*Delete it"):
        weights.load(fresh(), "imagenet", model=TINY)


@pytest.mark.parametrize(
    ("model", "fetch", "put"),
    [
        ("resnet18", "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors", "models--timm--resnet18.a1_in1k"),
        ("googlenet", "https://download.pytorch.org/models/googlenet-1378be20.pth", "torch/hub/checkpoints/googlenet-1378be20.pth"),
    ],
)
def test_without_a_network_the_file_and_its_place_are_named_and_nothing_is_loaded(hub: Path, model: str, fetch: str, put: str) -> None:
    made = fresh(model)
    before = {key: value.clone() for key, value in made.state_dict().items()}
    with pytest.raises(UnusableWeights, match="no connection to") as caught:
        weights.load(made, "imagenet", model=model)
    assert fetch in str(caught.value)
    assert put in str(caught.value)
    assert str(hub) in str(caught.value)
    assert "--weights FILE" in str(caught.value)
    assert all(torch.equal(before[key], value) for key, value in made.state_dict().items())


def test_a_server_that_never_answers_is_waited_for_no_longer_than_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_args: object, **_kwargs: object) -> None:
        time.sleep(1.5)
        raise TimeoutError

    monkeypatch.setattr(imagenet, "PATIENCE", 0.2)
    monkeypatch.setattr(imagenet, "urlopen", silent)
    started = time.monotonic()
    assert not imagenet._answers("https://example.invalid/")
    assert time.monotonic() - started < 1


def test_a_download_that_fails_is_said_with_its_reason(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise ConnectionResetError("connection reset by peer")

    monkeypatch.setattr(imagenet, "_answers", lambda _url: True)
    monkeypatch.setattr(imagenet.hub, "download_url_to_file", fail)
    with pytest.raises(UnusableWeights, match=r"a download that failed \(connection reset by peer"):
        weights.load(fresh("googlenet"), "imagenet", model="googlenet")
    assert not list((hub / "torch" / "hub" / "checkpoints").iterdir())


def test_an_own_cnn_has_no_imagenet_weights() -> None:
    with pytest.raises(InvalidSpec, match="networks that were trained on ImageNet"):
        weights.load(fresh("alasfoor-cnn22"), "imagenet", model="alasfoor-cnn22")
