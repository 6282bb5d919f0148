"""ImageNet weights of timm and torchvision: found in the caches of Hugging Face and torch, or downloaded into them once."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import huggingface_hub
import timm
import torch
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from torch import hub
from torchvision.models import get_model_weights

from core.errors import InvalidSpec, UnusableWeights
from core.models import registry
from core.models.registry import Architecture
from core.models.weights import read, said

PATIENCE = 5.0  # seconds for a server's first answer


@dataclass(frozen=True)
class _Hub:
    """A repository of the Hugging Face Hub, and the names its weights may have there, best first."""

    repository: str
    files: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"{constants.ENDPOINT}/{self.repository}/resolve/main/{self.files[0]}"

    @property
    def cache(self) -> str:
        return f"the folder models--{self.repository.replace('/', '--')} of another machine's cache into {constants.HF_HUB_CACHE}"

    def cached(self) -> Path | None:
        found = (huggingface_hub.try_to_load_from_cache(self.repository, file) for file in self.files)
        return next((Path(path) for path in found if isinstance(path, str)), None)

    def download(self) -> Path:
        for file in self.files:
            try:
                return Path(huggingface_hub.hf_hub_download(self.repository, file, etag_timeout=PATIENCE))
            except LocalEntryNotFoundError:  # the network went away: it is an EntryNotFoundError too
                raise
            except EntryNotFoundError:
                continue
        raise FileNotFoundError(f"{self.repository} holds none of {', '.join(self.files)}")


@dataclass(frozen=True)
class _Url:
    """A file at a fixed address, kept by torch under its own name."""

    url: str

    @property
    def path(self) -> Path:
        return Path(hub.get_dir()) / "checkpoints" / Path(urlparse(self.url).path).name

    @property
    def cache(self) -> str:
        return f"it as {self.path}"

    def cached(self) -> Path | None:
        return self.path if self.path.is_file() else None

    def download(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        promised = hub.HASH_REGEX.search(self.path.name)
        with _no_endless_waiting():
            hub.download_url_to_file(self.url, str(self.path), promised.group(1) if promised else None, progress=False)
        return self.path


def weights(model: str) -> tuple[Path, dict[str, torch.Tensor]]:
    """The file with the ImageNet weights of `model`, and what it holds, by the names of its library's network.

    Raises:
        InvalidSpec: nobody has trained this architecture on ImageNet.
        UnusableWeights: they are not in the cache and cannot be downloaded, or the file in the cache is damaged.
    """
    entry = registry.get(model)
    source = _source(entry)
    path = source.cached() or _downloaded(entry, source)
    return path, _read(entry, path)


def converted(source: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor] | None:
    """`state` by the names that timm's model `source` uses today, where timm can translate it; else None."""
    if not state or not next(reversed(state.values())).ndim:
        return None
    classes = len(next(reversed(state.values())))  # the classifier stands last
    try:
        overlay = {"state_dict": dict(state), "num_classes": classes, "label_offset": 0}
        return timm.create_model(source, pretrained=True, num_classes=classes, pretrained_cfg_overlay=overlay).state_dict()
    except (RuntimeError, KeyError, ValueError, IndexError, TypeError, AttributeError, AssertionError):  # it is of another network
        return None


def _source(entry: Architecture) -> _Hub | _Url:
    if entry.library == "torchvision":
        return _Url(get_model_weights(entry.source).DEFAULT.url)
    config = timm.get_pretrained_cfg(entry.source) if entry.library == "timm" else None
    if config is not None and config.hf_hub_id:
        named = (config.hf_hub_filename,) if config.hf_hub_filename else ("model.safetensors", "pytorch_model.bin")
        return _Hub(config.hf_hub_id, named)
    if config is not None and isinstance(config.url, str) and config.url:
        return _Url(config.url)
    raise InvalidSpec(
        "ImageNet weights are there for networks that were trained on ImageNet.",
        entry.title,
        "Start from random weights, or from a file or a run of yours.",
    )


def _read(entry: Architecture, path: Path) -> dict[str, torch.Tensor]:
    if entry.library == "torchvision":
        return read(path)
    try:
        return timm.create_model(entry.source, pretrained=True, pretrained_cfg_overlay={"file": str(path)}).state_dict()
    except Exception as error:  # by its format, timm, torch and safetensors each have their own
        raise UnusableWeights(
            "Weights in a cache are those that were downloaded.",
            f"{path}, which cannot be read for {entry.title} ({said(error)})",
            "Delete it, so that it is downloaded again.",
        ) from error


def _downloaded(entry: Architecture, source: _Hub | _Url) -> Path:
    if constants.is_offline_mode() or not _answers(source.url):
        raise _unreachable(entry, source, "no connection to " + str(urlparse(source.url).hostname))
    try:
        return source.download()
    except Exception as error:  # the clients of both have errors of their own, and of the libraries below them
        raise _unreachable(entry, source, f"a download that failed ({said(error)})") from error


def _unreachable(entry: Architecture, source: _Hub | _Url, what: str) -> UnusableWeights:
    return UnusableWeights(
        f"ImageNet weights of {entry.title} are downloaded once and then kept.",
        f"{what}, and none kept",
        f"Fetch {source.url} on another machine and give the file as weights (--weights FILE), or copy {source.cache}. "
        "Random weights are chosen as such, never silently.",
    )


def _answers(url: str) -> bool:
    """Whether a server answers at all, within `PATIENCE`. In a thread, since looking up a name knows no time limit."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            urlopen(Request(url, method="HEAD"), timeout=PATIENCE).close()  # https, from timm's or torchvision's table
            answers.append(True)
        except HTTPError:
            answers.append(True)
        except URLError as error:
            answers.append(isinstance(error.reason, ssl.SSLError))  # somebody is there; the real client may trust them
        except (OSError, ValueError):
            answers.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return any(answers)


@contextmanager
def _no_endless_waiting() -> Iterator[None]:
    """torch's download sets no time limit for a silent server; this one is for the process, and is taken back."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(4 * PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
