"""A run's kept network in ONNX Runtime, for answers on the CPU: only where it is equal to torch and faster on this machine.

Whether it is is tried once a run and machine and kept in the cache. The graph is made by a process of its own, since torch's exporter
changes what all threads of a process share. Heat maps need gradients and stay with torch.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core import hardware
from core.errors import CoreError
from core.files import replacing, write_json
from core.models import registry
from core.recipes import creation
from core.runs import store
from core.settings import artifacts_dir

Pass = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Prepared images as the network takes them, float32 [batch, 1, S, S] → logits [batch, classes], features [batch, channels]."""

VERSION = 1  # of the graph and the trial
OPSET = 18
PROBABILITIES, FEATURES = 1e-4, 1e-3  # largest differences allowed: of a probability; of a feature, as a share of the largest
ROUNDS = 5  # of both in turn
GAIN = 1.1  # what it must be faster by, or it is not worth a second copy of the network in memory
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Trial:
    """What came of comparing both on this machine."""

    probabilities: float  # largest difference
    features: float  # largest difference, as a share of the largest feature
    torch_ms: float  # median of one image's pass
    onnx_ms: float
    images: int  # compared

    @property
    def reason(self) -> str:
        """Why torch is used; empty where it is not."""
        if not (self.probabilities <= PROBABILITIES and self.features <= FEATURES):  # and so also where one is NaN
            return f"not equal: probabilities {self.probabilities:.2g} apart, features {self.features:.2g}"
        if self.torch_ms < GAIN * self.onnx_ms:
            return f"not faster: {self.onnx_ms:.1f} ms an image, torch {self.torch_ms:.1f} ms"
        return ""


class _CutShort(Exception):
    """The making of a graph was ended from outside, as with the program itself: that says nothing of the network."""


class Session:
    """The network's graph, ready to answer. May be shared between threads, and needs no lock."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a training beside it needs the cores
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Pass`."""
        logits, features = self._session.run(None, {"image": x})
        return logits, features


class _Recorded(nn.Module):
    """A classifier that also gives the features of a layer: see `core.models.features`."""

    def __init__(self, model: nn.Module, layer: nn.Module) -> None:
        super().__init__()
        self.model, self.layer = model, layer

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found: list[torch.Tensor] = []
        handle = self.layer.register_forward_hook(lambda _module, _inputs, output: found.append(output.float().mean(dim=(2, 3))))
        logits = self.model(image)
        handle.remove()
        return logits, found[0]


def available() -> bool:
    return all(find_spec(package) is not None for package in PACKAGES)


def cache_dir() -> Path:
    return artifacts_dir() / "cache" / "onnx"


def session(run: store.Run, folder: Path, by_torch: Pass, images: Sequence[np.ndarray]) -> Session | None:
    """The run's session, made and tried where that was not done before; None where torch is to be used.

    Args:
        folder: where graphs and outcomes are kept.
        by_torch: the same network's pass in torch.
        images: a few prepared images to try both on, uint8 [S, S].
    """
    own = folder / _name(run)
    graph, verdict = own / "network.onnx", own / "trial.json"
    if verdict.is_file():
        return None if json.loads(verdict.read_text(encoding="utf-8"))["reason"] else Session(graph)
    made = None
    try:
        _make(run, graph)
        made = Session(graph)
        trial = tried(by_torch, made, images)
        found = asdict(trial) | {"reason": trial.reason}
    except _CutShort:
        return None  # without an outcome, so that it is tried again
    except CoreError as error:
        found = {"reason": str(error)}
    logging.getLogger(__name__).info("%s in ONNX Runtime: %s %s", run.id, found["reason"] or "used", found)
    if found["reason"]:
        graph.unlink(missing_ok=True)
    write_json(verdict, found)
    return None if found["reason"] else made


def tried(by_torch: Pass, by_onnx: Pass, images: Sequence[np.ndarray]) -> Trial:
    """Compare both on `images`, uint8 [S, S], one at a time and in turn."""
    inputs = [image[None, None].astype(np.float32) / 255 for image in images]
    pairs = [(by_torch(x), by_onnx(x)) for x in inputs]
    shares = [abs(_shares(one[0]) - _shares(other[0])).max() for one, other in pairs]
    features = [abs(one[1] - other[1]).max() / max(abs(one[1]).max(), 1e-12) for one, other in pairs]
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS * len(inputs)):
        for passed, row in zip((by_torch, by_onnx), times, strict=True):
            begun = time.perf_counter()
            passed(inputs[number % len(inputs)])
            row.append(1000 * (time.perf_counter() - begun))
    return Trial(float(np.max(shares)), float(np.max(features)), *map(statistics.median, times), images=len(images))


def _shares(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits).double().softmax(dim=1).numpy()


def _name(run: store.Run) -> str:
    """A hash of all that the trial's outcome hangs on: weights, recipe, versions and machine."""
    digest = hashlib.sha256((run.folder / "model.safetensors").read_bytes())
    versions = [f"{package} {version(package)}" for package in ("torch", *PACKAGES)]
    digest.update(repr([VERSION, run.recipe().id, versions, hardware.processor_name(), os.cpu_count(), torch.get_num_threads()]).encode())
    return digest.hexdigest()[:20]


def _make(run: store.Run, path: Path) -> None:
    """Write the graph by a fresh interpreter that gives way to all other work."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "core.accelerated", str(run.folder), str(path)],
        cwd=Path(__file__).resolve().parents[1],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # whose share of the cores is its own, see below
    )
    _put_behind_all_others(child.pid)
    atexit.register(child.kill)  # nobody is left to use it
    _, said = child.communicate()
    atexit.unregister(child.kill)
    if child.returncode < 0:  # by a signal
        raise _CutShort
    if child.returncode or not path.is_file():
        last = said.strip().splitlines()[-1:] or [f"exit {child.returncode}"]
        raise CoreError("A network can be written as an ONNX graph.", f"{run.recipe().model}: {last[0]}", "Its answers stay with torch.")


def _put_behind_all_others(process: int) -> None:
    """Where the system can, it gets what nobody else wants. Being nice is not enough: a training's threads wait for the last of them.

    Nor is the idle class where Linux first shares the cores among sessions, and only then among the programs of each.
    """
    with suppress(OSError):  # it has ended, or it shares our session
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process, 10)
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))
        session = Path(f"/proc/{process}/autogroup")
        if session.is_file() and os.getsid(process) == process:
            session.write_text("19")


def write_graph(run: store.Run, path: Path) -> None:
    """The run's network → logits and features, with a free batch size, at `path`, whole or not at all. Takes seconds to minutes."""
    recipe = run.recipe()
    model = creation.untrained(recipe).eval().requires_grad_(False)
    model.load_state_dict(run.weights())
    module = _Recorded(model, model.layer(registry.get(recipe.model).cam_layer)).eval()
    with torch.no_grad(), replacing(path) as temporary:
        program = torch.onnx.export(
            module,
            (torch.rand(2, 1, recipe.image.size, recipe.image.size),),
            input_names=["image"],
            output_names=["logits", "features"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        temporary.write_bytes(program.model_proto.SerializeToString())


if __name__ == "__main__":
    write_graph(store.Run(Path(sys.argv[1])), Path(sys.argv[2]))
