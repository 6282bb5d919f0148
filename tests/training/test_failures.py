"""Failures have a kind and a way out, whoever raised them."""

from __future__ import annotations

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import NotFinite, TrainingFailed, UnusableData
from core.training import loop, worker
from core.training.worker import failures

ROOT = Path(__file__).resolve().parents[2]


def no_room(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, "No space left on device")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate"), "memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "memory"),
        (NotFinite("The training loss stays a finite number.", "nan in epoch 2, from step 3 on", "Lower the learning rate."), "not finite"),
        (UnusableData("The data is there.", "gone", "Put it back."), "data"),
        (caused(UnusableData("The decoded images must fit on the disk.", "4 GB", "Free some room."), no_room()), "disk"),
        (no_room(errno.EDQUOT), "disk"),
        (no_room(errno.EFBIG), "disk"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), "disk"),
        (caused(RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), no_room()), "disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "other"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "driver"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "driver"),
        (RuntimeError("NCCL error: unhandled cuda error"), "driver"),
        (RuntimeError("ncclRemoteError: remote process exited or there was a network error"), "killed"),
        (RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:38372"), "killed"),
        (ZeroDivisionError("division by zero"), "other"),
        (RuntimeError("The size of tensor a must match"), "other"),
    ],
)
def test_every_failure_has_a_kind(error: BaseException, kind: str) -> None:
    assert failures.kind_of(error) == kind


def test_memory_that_the_processor_really_lacks_is_recognised() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(2**60)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(2**60, dtype=np.uint8)
    assert failures.kind_of(of_torch.value) == failures.kind_of(of_numpy.value) == "memory"


def test_an_explanation_has_a_way_out_and_what_was_said() -> None:
    explained = failures.explained(RuntimeError("CUDA error: device-side assert triggered"))
    assert isinstance(explained, TrainingFailed)
    assert "Received: RuntimeError: CUDA error: device-side assert triggered. Go on with the run" in str(explained)


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), UnusableData("The data is there.", "gone", "Put it back.")])
def test_what_cannot_be_explained_better_stays_as_it_is(error: BaseException) -> None:
    assert failures.explained(error) is error


def test_memory_that_runs_out_is_explained_in_the_status(make_run, monkeypatch) -> None:
    def exhausted(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    run = make_run()
    monkeypatch.setattr(loop, "_step", exhausted)
    with pytest.raises(TrainingFailed, match="smaller batch"):
        worker.run(run)
    assert run.status().failure == "memory"
    assert "Choose a smaller batch or image size." in run.status().message


def test_a_failure_goes_with_the_next_start(make_run, monkeypatch) -> None:
    run = make_run(epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            worker.run(run)
    assert (run.status().state, run.status().failure) == ("failed", "other")
    status = worker.run(run)
    assert (status.state, status.failure, status.message) == ("done", "", "")


def trained_with(limit: str, run_id: str) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, which `limit` restrains before the first step."""
    program = f"""
        import resource, sys
        from core.runs import store
        from core.training import loop, worker
        original = loop._step
        def step(*arguments):
            {limit}
            return original(*arguments)
        loop._step = step
        worker.run(store.find({run_id!r}))
    """
    return subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limits there")
def test_a_disk_that_is_full_when_a_checkpoint_is_written_is_explained_in_the_status(make_run) -> None:
    run = make_run()
    ended = trained_with("resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))", run.id)
    assert ended.returncode != 0
    status = run.status()
    assert (status.state, status.failure) == ("failed", "disk"), ended.stderr
    assert "Free some room" in status.message
    assert not list(run.folder.rglob("*.tmp"))


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limits there")
def test_where_not_even_the_status_can_be_written_the_reason_is_said(make_run) -> None:
    run = make_run()
    ended = trained_with("resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))", run.id)
    assert "The run failed (disk), and its status cannot be written" in ended.stderr
    assert run.status().state == "interrupted"


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limits there")
def test_weights_that_do_not_fit_on_the_disk_are_recognised(tmp_path: Path) -> None:
    program = """
        import resource, sys, torch
        from pathlib import Path
        from core.runs import checkpoints, kept_weights
        from core.training.worker import failures
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        weights, folder = {"weight": torch.zeros(100_000)}, Path(sys.argv[1])
        for write in (
            lambda: kept_weights.write(folder / "model", weights, 1, folder / "before"),
            lambda: checkpoints.write(folder, weights, 1, 0),
        ):
            try:
                write()
            except BaseException as error:
                print(failures.kind_of(error))
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.stdout.split() == ["disk", "disk"], ended.stderr
    assert not list(tmp_path.iterdir())
