"""On what a run ran: versions, device, and the choices of execution."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from core import __version__
from core.training.execution import Execution


def describe(how: Execution) -> dict[str, Any]:
    """The content of `environment.json`."""
    packages = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pandas", "pillow")
    return {
        "cxr_lab": __version__,
        "git_commit": _git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in packages},
        "device": str(how.device),
        "device_name": how.device_name,
        "precision": "bf16 autocast" if how.bf16 else "fp32",
        "memory_format": "channels_last" if how.channels_last else "contiguous",
        "compiled": how.compiled,
        "cuda_graphs": how.cuda_graphs,
        "deterministic": how.deterministic,
        "reason": how.reason,
        "threads": torch.get_num_threads(),
        "processes": how.group.size,
    }


def _git_commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None  # installed without git, or not from a repository: the version must do
