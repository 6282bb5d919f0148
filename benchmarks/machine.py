"""What a measurement was made on, and a matrix product beside every pass that shows when the machine was disturbed.

The product runs in a process of its own that stays open between the passes, idle: loading torch each time would cost more than it.
Run as a program, this module is that process: one request a line on standard input, one JSON answer a line.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks import processes
from core import hardware

PACKAGES = ("torch", "torchvision", "timm", "lightning", "fastai", "numpy", "pillow")
CONTROL_SIDE, CONTROL_PRODUCTS = 2048, 8
PEAK_SIDE = {"cpu": 3072, "cuda": 8192}
SMALL_SIDE = 192  # where a processor has no kernel for a precision, a product of the usual side takes minutes
PEAK_SECONDS = 2.0


class Control:
    """The open process; `with Control() as control`."""

    def __enter__(self) -> Control:
        command = [sys.executable, "-m", "benchmarks.machine"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=processes.environment(), cwd=processes.ROOT
        )
        self._ask("control")  # loading torch and the first product are no measurement
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def seconds(self) -> float:
        """Mean seconds of a product of two fp32 matrices of 2,048 × 2,048 on all cores."""
        return self._ask("control")

    def peak(self, dtype: str, device: str) -> float:
        """Operations a second of the quickest of many large products: what the device does at best in `dtype` ("fp32", "bf16")."""
        return self._ask(f"peak {dtype} {device}")

    def _ask(self, request: str) -> float:
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return float(json.loads(self._process.stdout.readline()))


def describe(python: str) -> dict[str, Any]:
    """Machine, versions and date; versions are those that `python`, the peers' interpreter, sees."""
    return {
        "processor": hardware.processor_name(),
        "cores": os.cpu_count(),
        "gpu": _gpu(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": _versions(python),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def installed() -> dict[str, str]:
    """Versions in this interpreter of what is compared, without what is not there."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _versions(python: str) -> dict[str, str]:
    command = [python, "-c", "import json; from benchmarks import machine; print(json.dumps(machine.installed()))"]
    found = subprocess.run(command, capture_output=True, text=True, env=processes.environment(), cwd=processes.ROOT, check=False)
    return json.loads(found.stdout) if found.returncode == 0 else installed()


def _gpu() -> str | None:
    try:
        found = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip().replace("\n", ", ") or None


def _serve() -> None:
    for line in sys.stdin:
        kind, *details = line.split()
        sys.stdout.write(json.dumps(_control() if kind == "control" else _peak(*details)) + "\n")
        sys.stdout.flush()


def _control() -> float:
    import torch

    x = torch.rand(CONTROL_SIDE, CONTROL_SIDE)
    torch.mm(x, x)
    begun = time.perf_counter()
    for _ in range(CONTROL_PRODUCTS):
        torch.mm(x, x)
    return (time.perf_counter() - begun) / CONTROL_PRODUCTS


def _peak(dtype: str, device: str) -> float:
    import torch

    torch.set_float32_matmul_precision("high")  # as training has it: TF32 on a GPU
    largest = torch.rand(PEAK_SIDE[torch.device(device).type], device=device).to({"fp32": torch.float32, "bf16": torch.bfloat16}[dtype])
    wait = torch.cuda.synchronize if largest.is_cuda else lambda: None

    def seconds(side: int) -> float:
        x = largest[:side].expand(side, side).contiguous()
        wait()
        begun = time.perf_counter()
        torch.mm(x, x)
        wait()
        return time.perf_counter() - begun

    side = SMALL_SIDE
    while side < len(largest) and seconds(side) < PEAK_SECONDS / 8:  # twice as long a side takes eight times as long
        side = min(2 * side, len(largest))
    seconds(side)
    times, end = [], time.perf_counter() + PEAK_SECONDS
    while not times or time.perf_counter() < end:
        times.append(seconds(side))
    return 2 * side**3 / min(times)


if __name__ == "__main__":
    _serve()
