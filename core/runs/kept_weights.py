"""The weights that a run keeps, in a safetensors file that carries their epoch and a hash of both."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UnusableRun
from core.files import replacing

if TYPE_CHECKING:
    from torch import Tensor


def write(path: Path, weights: dict[str, Tensor], epoch: int, before: Path) -> None:
    """Store `weights` as `path`; those that stood there are then `before`: the checkpoint before the newest may need them."""
    from safetensors.torch import save_file

    plain = {name: value.detach().contiguous().cpu() for name, value in weights.items()}
    with replacing(path) as temporary:
        save_file(plain, temporary, metadata={"epoch": str(epoch), "sha256": _digest(plain, str(epoch))})
        _order_header(temporary)
        if path.is_file():
            _put_aside(path, before)


def read(path: Path) -> dict[str, Tensor]:
    """The weights, on the CPU. Files of older versions carry no hash and are believed.

    Raises:
        UnusableRun: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights, metadata = load_file(path), _metadata(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path) from error
    of_older_version = metadata.keys() == {"epoch"}
    if not of_older_version and metadata.get("sha256") != _digest(weights, metadata.get("epoch", "")):
        raise _damaged(path)
    return weights


def epoch_of(path: Path) -> int:
    """The epoch that the weights are from.

    Raises:
        UnusableRun: the file is damaged where it says so.
    """
    from safetensors import SafetensorError

    try:
        return int(_metadata(path)["epoch"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise _damaged(path) from error


def _metadata(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def _digest(weights: dict[str, Tensor], epoch: str) -> str:
    """SHA-256 of the epoch and of every tensor's name, type, shape and bytes, in the order of names."""
    import torch

    content = hashlib.sha256(epoch.encode())
    for name, value in sorted(weights.items()):
        content.update(f"\0{name} {value.dtype} {tuple(value.shape)}\0".encode())
        content.update(value.contiguous().flatten().view(torch.uint8).numpy())
    return content.hexdigest()


def _order_header(path: Path) -> None:
    """Put the metadata in the order of their names: the library leaves it to chance, and equal weights would be unequal files."""
    with open(path, "rb+") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        file.seek(8)
        file.write(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length))


def _put_aside(path: Path, before: Path) -> None:
    before.parent.mkdir(parents=True, exist_ok=True)
    before.unlink(missing_ok=True)
    try:
        os.link(path, before)
    except OSError:  # a file system without links
        shutil.copyfile(path, before)


def _damaged(path: Path) -> UnusableRun:
    return UnusableRun(
        "The weights of a run are what was written.",
        f"{path}, which is damaged",
        "Copy the run's folder again from where it is whole, or go on with the run if it is not done, or train its recipe anew.",
    )
