"""What devices are doing, as their drivers tell it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import hardware


@pytest.fixture(autouse=True)
def _no_earlier_look() -> Iterator[None]:
    hardware._loads_of.cache_clear()
    yield
    hardware._loads_of.cache_clear()


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put an `nvidia-smi` on the path that says `answer`, and notes each question."""

    def install(answer: str) -> Path:
        asked = tmp_path / "asked"
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\necho \"$@\" >> {asked}\ncat <<'END'\n{answer}\nEND\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
        return asked

    return install


def test_a_gpu_tells_load_memory_and_temperature(driver):
    driver("NVIDIA A100, 40 GB, 97, 1024, 40960, 61")
    gpu, processor = hardware.loads()
    assert (gpu.device, gpu.name, gpu.busy, gpu.temperature) == ("cuda:0", "NVIDIA A100, 40 GB", 0.97, 61)
    assert (gpu.memory, gpu.memory_total) == (2**30, 40 * 2**30)
    assert processor.device == "cpu"


def test_what_a_driver_does_not_tell_is_unknown(driver):
    driver("GPU, [N/A], [Not Supported], 8192, 40\nGPU, 3, 1, 8192, [N/A]")
    first, second, _ = hardware.loads()
    assert (first.busy, first.memory, first.temperature) == (None, None, 40)
    assert (second.device, second.busy, second.temperature) == ("cuda:1", 0.03, None)


def test_the_processor_tells_its_load_and_memory(monkeypatch):
    monkeypatch.setenv("PATH", "")
    (processor,) = hardware.loads()
    assert 0 <= processor.busy <= 1
    assert 0 < processor.memory < processor.memory_total


def test_pages_that_ask_at_once_share_one_look(driver, monkeypatch):
    monkeypatch.setattr(hardware.time, "monotonic", lambda: 100.0)
    asked = driver("GPU, 1, 1, 2, 40")
    hardware.loads()
    hardware.loads()
    assert len(asked.read_text().splitlines()) == 1


def test_looking_at_devices_does_not_load_torch():
    script = "import sys; from core import hardware; hardware.loads(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).resolve().parents[1], check=False).returncode == 0
