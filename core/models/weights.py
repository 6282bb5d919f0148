"""First weights for a classifier: from a file, from another run, or trained on ImageNet. It never falls back to random ones.

The trunk's weights fit or are refused; layers of the head that do not fit (another class count, another head) stay fresh, and the report
names them. The normalisation is the recipe's own and is never taken over.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from core.errors import UnusableWeights
from core.models import registry
from core.models.classifier import Classifier
from core.models.heads import Headed

State = Mapping[str, torch.Tensor]

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")  # where checkpoints keep the weights, best first
_PREFIXES = ("module.", "_orig_mod.")  # of DataParallel and of torch.compile
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # Inception's further classifiers, which are not built here
_PICKLED = (".pth", ".pt", ".bin", ".tar")
_NAMED = 4  # layers that a message names


@dataclass(frozen=True)
class Report:
    """What was loaded. `fresh` and `ignored` are paths of layers inside the network and inside the weights."""

    described: str
    loaded: int  # tensors
    fresh: tuple[str, ...]  # layers of the head that the weights did not fit: they start from random values
    ignored: tuple[str, ...]  # what the weights hold and the network has no place for: another head, auxiliary classifiers
    sha256: str  # of the file, or of the tensors where there was none

    def __str__(self) -> str:
        fresh = f"; new from random values: {', '.join(self.fresh)}" if self.fresh else ""
        return f"{self.described}: {self.loaded} tensors loaded{fresh} (sha256 {self.sha256[:12]})"


def load(classifier: Classifier, source: Literal["imagenet", "file"], place: str = "", *, model: str) -> Report:
    """Give `classifier`, an architecture called `model`, the weights of `source`; `place` is the file's path.

    Raises:
        UnusableWeights: they are missing, cannot be downloaded, cannot be read, or belong to another network.
        InvalidSpec: nobody has trained this architecture on ImageNet.
    """
    if source == "imagenet":
        from core.models import imagenet

        path, state = imagenet.weights(model)
        return load_state(classifier, state, f"ImageNet weights ({path.name})", model=model, sha256=_sha256_of_file(path))
    path = Path(place).expanduser()
    return load_state(classifier, read(path), path.name, model=model, sha256=_sha256_of_file(path))


def load_state(classifier: Classifier, state: State, described: str, *, model: str, sha256: str = "") -> Report:
    """Give `classifier` the weights in `state`: of a bare network of timm or torchvision, or of a classifier with any head.

    Raises:
        UnusableWeights: they belong to another network, or are not finite. The classifier is as it was.
    """
    fit = _fit(classifier, _bare(state), model)
    entry = registry.get(model)
    if fit.problems and entry.library == "timm":
        from core.models import imagenet

        converted = imagenet.converted(entry.source, _bare(state))  # an older naming that timm itself translates
        fit = _fit(classifier, converted, model) if converted else fit
    if fit.problems:
        more = f" and {len(fit.problems) - _NAMED} more" if len(fit.problems) > _NAMED else ""
        raise UnusableWeights(
            f"Weights fit the network that they were trained for, here {entry.title}.",
            f"{described}, in which {len(fit.problems)} tensors differ: {'; '.join(fit.problems[:_NAMED])}{more}",
            "Choose the network of these weights, or weights of this network.",
        )
    broken = [key for key, value in fit.taken.items() if value.is_floating_point() and not torch.isfinite(value).all()]
    if broken:
        raise UnusableWeights(
            "Weights are finite numbers.",
            f"{described}, with NaN or infinity in {', '.join(broken[:_NAMED])}",
            "Choose weights of a training that did not diverge.",
        )
    classifier.network.load_state_dict(fit.taken, strict=False)
    return Report(described, len(fit.taken), fit.fresh, fit.ignored, sha256 or _sha256_of_tensors(state))


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors in a .safetensors or .pth file. Nothing in a pickled file is executed.

    Raises:
        UnusableWeights: no such file, no such format, damaged, or with code in it.
    """
    if not path.is_file():
        raise UnusableWeights("Weights are read from a file.", f"{path}, which does not exist", "Check the path.")
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        elif path.suffix in _PICKLED:
            content = torch.load(path, map_location="cpu", weights_only=True)
        else:
            raise UnusableWeights("Weights are read from .safetensors, .pth or .pt files.", path.name, "Choose such a file.")
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error) or "Unsupported class" in str(error):
            raise UnusableWeights(
                "A file of weights holds tensors and plain values, never code.",
                f"{path.name}, a pickled file that asks for code to be run ({said(error)})",
                "It was not opened any further. Save its state_dict alone, best as .safetensors.",
            ) from None
        raise _damaged(path, error) from None
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        raise _damaged(path, error) from None
    state = _unwrapped(content)
    if not state:
        raise UnusableWeights("A file of weights holds named tensors.", f"{path.name}, which holds none", "Save the state_dict of a model.")
    return state


@dataclass(frozen=True)
class _Fit:
    """`taken`: what goes into the network, by its keys there. `problems`: what keeps it from fitting, in words."""

    taken: dict[str, torch.Tensor]
    fresh: tuple[str, ...]
    ignored: tuple[str, ...]
    problems: tuple[str, ...]


def _fit(classifier: Classifier, state: State, model: str) -> _Fit:
    """Compare `state`, keys as in a network without our prefixes, with the classifier's network."""
    expected = classifier.network.state_dict()
    own_head = registry.get(model).head
    state, foreign = _as_in(classifier.network, state, own_head)
    trunk = [key for key in expected if not _within(key, classifier.head)]
    problems = []
    for key in trunk:
        if key not in state:
            if not key.endswith("num_batches_tracked"):  # files from before PyTorch 0.4.1 have none, and it changes no result
                problems.append(f"{key} is missing")
        elif state[key].shape != expected[key].shape:
            problems.append(f"{key} is {_shape(state[key])}, not {_shape(expected[key])}")
    problems += [f"{key} has no place" for key in state if key not in expected and not _within(key, classifier.head)]
    layers: dict[str, list[str]] = {}
    for key in expected:
        if _within(key, classifier.head):
            layers.setdefault(_layer(key), []).append(key)
    fresh = tuple(layer for layer, keys in layers.items() if any(k not in state or state[k].shape != expected[k].shape for k in keys))
    taken = {key: state[key] for key in expected if key in state and _layer(key) not in fresh}
    unused = {_layer(key) for key in state if key not in expected}
    return _Fit(taken, fresh, tuple(sorted({*foreign, *unused})), tuple(problems))


def _as_in(network: nn.Module, state: State, own_head: tuple[str, ...]) -> tuple[dict[str, torch.Tensor], set[str]]:
    """`state` with the keys that `network` would use, and the layers left out: auxiliary classifiers and heads of another kind."""
    headed, from_headed = isinstance(network, Headed), any(key.startswith("trunk.") for key in state)
    kept, left_out = {}, set()
    for key, value in state.items():
        inner = key.removeprefix("trunk.") if from_headed else key
        in_head = inner == key and _within(key, ("head",)) if from_headed else _within(key, own_head)
        if inner.startswith(_AUXILIARY) or (in_head and headed != from_headed):
            left_out.add(_layer(key))
        else:
            kept[f"trunk.{inner}" if headed and not in_head else inner] = value
    return kept, left_out


def _bare(state: State) -> dict[str, torch.Tensor]:
    """`state` without what was put around the network's own keys; of a classifier without its normalisation."""
    for prefix in _PREFIXES:
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    if any(key.startswith("network.") for key in state):
        return {key.removeprefix("network."): value for key, value in state.items() if key.startswith("network.")}
    return dict(state)


def _unwrapped(content: object) -> dict[str, torch.Tensor]:
    """The named tensors in a checkpoint's content, or nothing."""
    if not isinstance(content, Mapping):
        return {}
    for name in _WRAPPERS:
        if isinstance(content.get(name), Mapping):
            return _unwrapped(content[name])
    return {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, torch.Tensor)}


def _within(key: str, paths: tuple[str, ...]) -> bool:
    return any(key == path or key.startswith(f"{path}.") for path in paths)


def _layer(key: str) -> str:
    return key.rpartition(".")[0] or key


def _shape(value: torch.Tensor) -> str:
    return "×".join(map(str, value.shape)) or "a single value"


def said(error: Exception) -> str:
    """Of what the library says, the line that names the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if "Unsupported" in line or "GLOBAL" in line]
    return (reasons or lines or [type(error).__name__])[0][:160]


def _damaged(path: Path, error: Exception) -> UnusableWeights:
    return UnusableWeights(
        "A file of weights can be read whole.",
        f"{path.name}, which is damaged or of another format ({said(error)})",
        "Fetch it again.",
    )


def _sha256_of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_tensors(state: State) -> str:
    digest = hashlib.sha256()
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
