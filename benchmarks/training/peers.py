"""Who trains: we, and the peers' own programs. Each is a command line; what cannot be run says why."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.training.files import FOLDS, Prepared
from benchmarks.training.works import Work
from core.errors import UnknownName

OURS = "ours"
PROGRAMS = Path(__file__).parent / "programs"
REFERENCE_MODELS = frozenset(("resnet18", "resnet50", "densenet201", "vgg16"))
"""Networks of ours that torchvision's reference can build by name."""


@dataclass(frozen=True)
class Setting:
    """Where and with what a comparison is run; paths that were not given are None."""

    device: str = "cpu"
    python: str = sys.executable  # the peers' interpreter
    workers: int = 2  # DataLoader processes of a peer
    timm: Path | None = None  # checkout with train.py
    torchvision: Path | None = None  # folder with the reference's train.py
    extra: tuple[str, ...] = ()  # further FIELD=VALUE of our recipe
    folds: int = FOLDS

    @property
    def gpu(self) -> bool:
        return self.device.startswith("cuda")


Command = Callable[[Work, Prepared, Setting, int, Path], list[str]]
"""(work, files, setting, epochs, folder for what the program writes) → command line."""


@dataclass(frozen=True)
class Peer:
    """One participant. `precision` is the one its products are made in, for its share of the peak."""

    name: str
    title: str
    precision: str  # "fp32" or "bf16"
    command: Command
    hindrance: Callable[[Work, Setting], str] = lambda *_: ""  # why it cannot run; empty: it can


def get(name: str) -> Peer:
    """Raises UnknownName."""
    if name not in PEERS:
        raise UnknownName.among("peer", name, PEERS)
    return PEERS[name]


def ours(work: Work, files: Prepared, setting: Setting, epochs: int) -> list[str]:
    """What a person types, in an empty artifacts folder: import, decoding, training and the test part's evaluation are all in it."""
    command = [sys.executable, "-m", "core", "train", "--data", str(files.folder), "--model", work.model, "--epochs", str(epochs)]
    command += ["--image-size", str(work.image_size), "--batch-size", str(work.batch(setting.device))]
    command += ["--fold", f"1/{setting.folds}", "--device", setting.device, "--json"]
    for assignment in (*work.settings, *setting.extra):
        command += ["--set", assignment]
    return command


def _timm(*more: str) -> Command:
    def command(work: Work, files: Prepared, setting: Setting, epochs: int, out: Path) -> list[str]:
        program = [str(PROGRAMS / "timm_with_our_networks.py")] if work.channels == 1 else []
        size = str(work.image_size)
        line = [setting.python, *program, str(setting.timm / "train.py"), "--data-dir", str(files.links), "--model", _timm_name(work)]
        line += ["--num-classes", str(files.classes), "--epochs", str(epochs), "--warmup-epochs", "0"]
        line += ["-b", str(work.batch(setting.device)), "--input-size", str(work.channels), size, size]
        line += ["-j", str(setting.workers), "--log-interval", "1000000", "--checkpoint-hist", "1", "--output", str(out)]
        line += ["--device", setting.device, *(["--pin-mem"] if setting.gpu and more else []), *more]
        if work.channels == 1:
            line += ["--in-chans", "1", "--mean", "0.5", "--std", "0.25", "--model-kwargs", f"image_size={size}"]
        return line

    return command


def _timm_name(work: Work) -> str:
    return work.model.replace("-", "_")  # as `timm_with_our_networks` registers ours; timm's own have no hyphen


def _needs_timm(work: Work, setting: Setting) -> str:
    return _needs(setting.timm, "train.py", "--timm", "a checkout of huggingface/pytorch-image-models") or _frozen_is_for_fastai(work)


def _torchvision(*more: str) -> Command:
    def command(work: Work, files: Prepared, setting: Setting, epochs: int, _: Path) -> list[str]:
        size = str(work.image_size)
        line = [setting.python, str(setting.torchvision / "train.py"), "--data-path", str(files.links_of_five), "--model", work.model]
        line += ["-b", str(work.batch(setting.device)), "--epochs", str(epochs), "-j", str(setting.workers)]
        line += ["--train-crop-size", size, "--val-crop-size", size]
        return [*line, "--print-freq", "1000000", "--output-dir", "", "--device", setting.device, *more]

    return command


def _needs_torchvision(work: Work, setting: Setting) -> str:
    if work.model not in REFERENCE_MODELS:
        return f"torchvision's reference trains torchvision's networks by name, and {work.model} is none"
    wanted = "the folder references/classification of pytorch/vision"
    return _needs(setting.torchvision, "train.py", "--torchvision", wanted) or _frozen_is_for_fastai(work)


def _needs_torchvision_and_gpu(work: Work, setting: Setting) -> str:
    return _needs_torchvision(work, setting) or ("" if setting.gpu else "its --amp has an effect on CUDA alone")


def _program(name: str, *more: str) -> Command:
    """A program of ours on a peer's library; its options are the same for all, see `programs.common`."""

    def command(work: Work, files: Prepared, setting: Setting, epochs: int, _: Path) -> list[str]:
        line = [setting.python, str(PROGRAMS / f"{name}.py"), "--data", str(files.links), "--model", work.model]
        line += ["--image-size", str(work.image_size), "--channels", str(work.channels), "--epochs", str(epochs)]
        line += ["--batch-size", str(work.batch(setting.device)), "--workers", str(setting.workers), "--device", setting.device]
        line += ["--frozen"] if work.frozen else []
        return [*line, *([] if work.augmented else ["--still"]), *more]

    return command


def _fastai_has_it(work: Work, _: Setting) -> str:
    has = work.channels == 1 or work.model in REFERENCE_MODELS
    return "" if has else f"vision_learner finds no place to cut {work.model}"


def _not_frozen(work: Work, _: Setting) -> str:
    return _frozen_is_for_fastai(work)


def _frozen_is_for_fastai(work: Work) -> str:
    return "it has no option that freezes a backbone" if work.frozen else ""


def _needs(path: Path | None, file: str, option: str, what: str) -> str:
    if path is None:
        return f"not given: {option} names {what}"
    return "" if (path / file).is_file() else f"{option} {path}: no {file} there"


_TUNED = ("--amp", "--amp-dtype", "bfloat16", "--channels-last")

PEERS = {
    peer.name: peer
    for peer in (
        Peer("timm", "timm train.py, default", "fp32", _timm(), _needs_timm),
        Peer("timm-tuned", "timm train.py, bf16 and channels_last", "bf16", _timm(*_TUNED), _needs_timm),
        Peer("torchvision", "torchvision reference, default", "fp32", _torchvision(), _needs_torchvision),
        Peer("torchvision-amp", "torchvision reference, --amp", "bf16", _torchvision("--amp"), _needs_torchvision_and_gpu),
        Peer("lightning", "Lightning, default", "fp32", _program("lightning_trainer"), _not_frozen),
        Peer("lightning-tuned", "Lightning, bf16-mixed and channels_last", "bf16", _program("lightning_trainer", "--mixed"), _not_frozen),
        Peer("lightning-bf16", "Lightning, bf16-true and channels_last", "bf16", _program("lightning_trainer", "--true"), _not_frozen),
        Peer("fastai", "fastai, default", "fp32", _program("fastai_learner"), _fastai_has_it),
        Peer("loop", "tutorial loop", "fp32", _program("tutorial_loop"), _not_frozen),
    )
}
