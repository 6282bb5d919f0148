"""Why a training failed, as far as a way out depends on it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

import torch

from core.errors import CoreError, NotFinite, TrainingFailed, UnreadableImage, UnusableData
from core.runs.status import Failure

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")  # as libraries written in Rust, safetensors among them, end their messages
_NO_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "not enough memory")
_LOST = ("Connection closed by peer", "Connection reset by peer", "remote process exited")
_DRIVER = ("CUDA", "CUDNN", "CUBLAS", "NCCL", "HIP ERROR")


def kind_of(error: BaseException) -> Failure:
    """The kind, by `error` and all that it came of."""
    chain = list(_chain(error))
    if any(_is_full_disk(each) for each in chain):
        return "disk"
    if any(_is_lack_of_memory(each) for each in chain):
        return "memory"
    if isinstance(error, NotFinite):
        return "not finite"
    if isinstance(error, UnusableData | UnreadableImage):
        return "data"
    if any(_is_of_a_lost_process(each) for each in chain):
        return "killed"
    if any(_is_the_driver_s(each) for each in chain):
        return "driver"
    return "other"


def explained(error: BaseException) -> BaseException:
    """`error` with a way out: itself where it has one or none is known."""
    if isinstance(error, CoreError) or (explanation := _EXPLANATIONS.get(kind_of(error))) is None:
        return error
    rule, way_out = explanation
    return TrainingFailed(rule, _plain(error), way_out)


def message_of(error: BaseException) -> str:
    """What stands in the status."""
    return str(error) if isinstance(error, CoreError) else _plain(error)


_EXPLANATIONS = {
    "memory": ("The model and a batch fit into the device's memory.", "Choose a smaller batch or image size."),
    "disk": (
        "A run's folder has room on its disk.",
        "Free some room, or set CXRLAB_ARTIFACTS to a folder on a larger disk; then go on with the run.",
    ),
    "killed": (
        "All processes that train a run live to its end.",
        "Another one was killed, for lack of memory perhaps: see the log. What was kept is kept; go on with the run.",
    ),
    "driver": (
        "The device answers as long as the training lasts.",
        "Go on with the run: what it had kept is kept. Where it happens again, look after the device's driver, or train on another device.",
    ),
}


def _plain(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_full_disk(error: BaseException) -> bool:
    number = error.errno if isinstance(error, OSError) else None
    if said := _SYSTEM_ERROR.search(str(error)):
        number = int(said[1])
    return number in _FULL


def _is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def _is_of_a_lost_process(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _LOST)


def _is_the_driver_s(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and any(words in str(error).upper() for words in _DRIVER)
