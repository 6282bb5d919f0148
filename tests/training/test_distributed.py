"""Several processes train one run: what each sees of a batch, and that together they do what one would do."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn

from core.data.batches import Augmentation, Feed
from core.errors import InvalidSpec, TrainingFailed
from core.runs import store
from core.training import distributed, loop, worker
from core.training.distributed import Group
from core.training.events import EpochDone
from core.training.execution import Execution, prepared
from core.training.loop import Plan, Progress, fit, probabilities
from core.training.worker import several
from tests.training.interruptions import assert_equal_runs

CPU = torch.device("cpu")
TOGETHER = {"execution": {"processes": 2}}


def feed(images: int = 23, batch_size: int = 7) -> Feed:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, images)
    pixels = rng.integers(0, 160, (images, 8, 8)) + 60 * labels[:, None, None]
    return Feed(pixels.astype(np.uint8), labels, np.arange(images), batch_size, CPU)


def outcome(group: Group) -> tuple[dict[str, np.ndarray], list[tuple[Any, ...]], np.ndarray]:
    """Weights, epochs and predictions of a training without batch normalisation, whose batches divide unevenly."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    progress, train = Progress(model, torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)), feed()
    how = Execution(CPU, "a processor", bf16=False, channels_last=False, deterministic=True, reason="a test", group=group)
    weights = torch.tensor([0.5, 2.0])
    plan = Plan(2, np.full(2 * train.steps(), 0.05), Augmentation(flip=True, noise=0.1), 7, "last", 0.1, weights)
    with prepared(how):
        epochs = [(e.train, e.validation) for e in fit(progress, train, feed(), plan, how) if isinstance(e, EpochDone)]
        shares = probabilities(model, feed(), how)
    return {name: value.numpy() for name, value in model.state_dict().items()}, epochs, shares


def rank_of(rank: int, size: int, store_: str, results: Any) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store_}", rank=rank, world_size=size)
    results.put((rank, outcome(Group(rank, size))))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """The outcome of each of two processes."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    place = str(tmp_path_factory.mktemp("group") / "store")
    processes = [context.Process(target=rank_of, args=(rank, 2, place, results)) for rank in range(2)]
    for process in processes:
        process.start()
    outcomes = dict(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    return outcomes


def test_two_processes_learn_what_one_learns_but_for_rounding(found) -> None:
    weights, epochs, _ = outcome(distributed.ALONE)
    for name, value in weights.items():
        np.testing.assert_allclose(found[0][0][name], value, rtol=1e-4, atol=1e-6)
    for one, other in zip(epochs, found[0][1], strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert (theirs.loss, theirs.accuracy) == pytest.approx((mine.loss, mine.accuracy), rel=1e-4)


def test_all_processes_hold_the_same(found) -> None:
    for name, value in found[0][0].items():
        np.testing.assert_array_equal(found[1][0][name], value)
    assert found[0][1] == found[1][1]


def test_predictions_are_a_row_an_image_in_their_order(found) -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))
    model.load_state_dict({name: torch.from_numpy(value) for name, value in found[0][0].items()})
    how = Execution(CPU, "a processor", bf16=False, channels_last=False, deterministic=True, reason="a test")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each of the two had
    alone = probabilities(model, feed(), how)
    torch.set_num_threads(threads)
    for rank in range(2):
        np.testing.assert_array_equal(found[rank][2], alone)


def test_parts_of_a_batch_are_the_batch() -> None:
    batch = torch.arange(7)
    parts = [Group(rank, 3).part(batch) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 2, 2]
    assert torch.equal(torch.cat(parts), batch)


def test_a_process_alone_waits_for_nobody() -> None:
    alone, value = distributed.ALONE, torch.ones(2)
    assert alone.total(value) is alone.part(value) is alone.of_first(value) is value
    assert alone.gathered(3) == [3]
    assert alone.dealt([1, 2]) == [1, 2]
    assert not distributed.started_together()


def test_what_was_dealt_out_comes_back_in_order(monkeypatch) -> None:
    monkeypatch.setattr(Group, "gathered", lambda *_: [["0", "3", "6"], ["1", "4"], ["2", "5"]])
    assert Group(0, 3).dealt([]) == list("0123456")


def test_each_process_has_a_gpu_of_its_own_or_all_have_the_processor(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.device_of(2, None) == distributed.device_of(2, "cuda") == "cuda:1"
    assert distributed.device_of(2, "cpu") == "cpu"
    assert distributed.device_of(1, "cuda:0") == "cuda:0"
    for processes, device in ((3, None), (2, "cuda:0")):
        with pytest.raises(InvalidSpec, match="a GPU of its own"):
            distributed.device_of(processes, device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert distributed.device_of(2, None) == "cpu"


@pytest.fixture
def pair(make_run: Callable[..., store.Run]) -> tuple[store.Run, store.Run]:
    """A run that two processes trained from its start to its end, and one that waits."""
    whole = make_run(**TOGETHER, epochs=12)
    assert worker.run(whole).state == "done", whole.log()
    return whole, make_run(**TOGETHER, epochs=12)


def test_a_run_of_two_processes_is_whole_and_equals_one_that_was_paused(pair, monkeypatch) -> None:
    whole, broken = pair
    predictions, split = whole.predictions(), whole.split()
    assert sorted(predictions["sample_id"]) == sorted(split.loc[split["split"] != "train", "sample_id"])
    assert whole.environment()["processes"] == 2
    assert [row["epoch"] for row in whole.metrics() if row["kind"] == "epoch"] == [*range(1, 13)]
    assert not list(whole.folder.glob("failed-*"))

    def pause(status) -> None:
        if status.step:
            broken.request_pause()

    monkeypatch.setattr(several, "LOOK_EVERY", 0.02)
    assert worker.run(broken, report=pause).state == "paused"
    assert worker.run(broken).state == "done"
    assert_equal_runs(whole, broken)


def test_an_error_in_one_process_ends_all_with_its_reason(make_run, tmp_path, monkeypatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nif os.environ.get('RANK') == '1':\n    from core.training import loop\n    loop._step = lambda *_: 1 / 0\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path.cwd()}")
    run, begun = make_run(**TOGETHER), time.monotonic()
    with pytest.raises(TrainingFailed, match="ZeroDivisionError: division by zero"):
        worker.run(run)
    assert (run.status().state, run.status().message) == ("failed", "ZeroDivisionError: division by zero")
    assert time.monotonic() - begun < 100
    assert loop._step.__name__ == "_step"
