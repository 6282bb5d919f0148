"""Trainings that end in the middle, and the comparison of those that went on with those that went through."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.runs import store
from core.training import loop, worker


def killed_after(steps: int) -> Callable[..., Any]:
    """The loop's own step, which a kill ends after `steps` calls."""
    original, calls = loop._step, iter(range(steps))

    def step(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return original(*arguments)

    return step


def asked_after(steps: int, run: store.Run, request: str) -> Callable[..., Any]:
    """The loop's own step; with call number `steps` the run is asked to stop by the file `request`."""
    original, left = loop._step, [steps]

    def step(*arguments: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            (run.folder / request).touch()
        return original(*arguments)

    return step


def kill_after(steps: int, run: store.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", killed_after(steps))
        with pytest.raises(KeyboardInterrupt):
            worker.run(run)


def pause_after(steps: int, run: store.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", asked_after(steps, run, "pause"))
        assert worker.run(run).state == "paused"


def assert_equal_runs(first: store.Run, second: store.Run) -> None:
    assert (first.folder / "metrics.jsonl").read_text() == (second.folder / "metrics.jsonl").read_text()
    assert (first.folder / "model.safetensors").read_bytes() == (second.folder / "model.safetensors").read_bytes()
    first.weights()  # whole
    columns = ["probability_a", "probability_b"]
    np.testing.assert_array_equal(first.predictions()[columns], second.predictions()[columns])
    assert json.loads((first.folder / "recipe.json").read_text()) == json.loads((second.folder / "recipe.json").read_text())
