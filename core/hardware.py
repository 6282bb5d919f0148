"""What this machine has, for people. torch is loaded where it is asked, not before."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LOADS_KEPT = 3.0  # seconds for which all pages share one look at the devices
_SAMPLE = 0.1  # seconds over which the processor's load is measured
_QUERY = ("name", "utilization.gpu", "memory.used", "memory.total", "temperature.gpu")
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Load:
    """What a device is doing. None: the driver does not tell."""

    device: str  # as the queue calls it: "cpu", "cuda:0"
    name: str
    busy: float | None  # share of its time
    memory: float | None  # bytes taken
    memory_total: float | None
    temperature: float | None  # °C


def loads() -> tuple[Load, ...]:
    """The GPUs of this machine, then its processor, looked at every few seconds at most. By the driver's own tool, without torch."""
    return _loads_of(int(time.monotonic() / LOADS_KEPT))


def training_device() -> str:
    """The name of the default device, as a person knows it."""
    return device_name(default_device())


def default_device() -> torch.device:
    """The device that a training takes when none is named: a GPU where there is one."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """What `device` calls itself."""
    if device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    return f"{processor_name()}, {os.cpu_count()} cores"


def processor_name() -> str:
    """The processor's model where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def _loads_of(_moment: int) -> tuple[Load, ...]:
    return (*_gpu_loads(), _processor_load())


def _gpu_loads() -> list[Load]:
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):  # no such driver, or one that does not answer
        return []
    found = []
    for number, line in enumerate(lines):
        name, *values = (value.strip() for value in line.rsplit(",", len(_QUERY) - 1))
        busy, memory, total, temperature = (_number(value) for value in values)
        found.append(
            Load(
                device=f"cuda:{number}",
                name=name,
                busy=None if busy is None else busy / 100,
                memory=None if memory is None else memory * _MEBIBYTE,
                memory_total=None if total is None else total * _MEBIBYTE,
                temperature=temperature,
            )
        )
    return found


def _number(value: str) -> float | None:
    """None for what the driver says instead: "[N/A]", "[Not Supported]"."""
    try:
        return float(value)
    except ValueError:
        return None


def _processor_load() -> Load:
    import psutil

    memory = psutil.virtual_memory()
    sensors = getattr(psutil, "sensors_temperatures", dict)()  # not on every system
    hottest = max((sensor.current for kind in sensors.values() for sensor in kind), default=None)
    busy = psutil.cpu_percent(interval=_SAMPLE) / 100
    return Load("cpu", processor_name(), busy, memory.total - memory.available, memory.total, hottest)
