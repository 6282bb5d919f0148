"""What a run costs: the size of its network, its pace, its memory."""

from __future__ import annotations

import sys

import psutil
import torch

from core.models import registry
from core.recipes.recipe import Recipe


def of_network(recipe: Recipe) -> dict[str, float]:
    """Values that can be trained, and multiply-adds of one image's way through the network."""
    classes, size, head = len(recipe.data.classes), recipe.image.size, recipe.head.head
    return {
        "parameters": registry.parameters(recipe.model, classes, size, head),
        "multiply_adds": registry.multiply_adds(recipe.model, size, classes, head),
    }


def peak_memory(device: torch.device) -> int:
    """The most that this process has held so far, in bytes: on a GPU there, else in the machine's memory, libraries included."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    memory = psutil.Process().memory_info()
    if sys.platform == "win32":
        return memory.peak_wset
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts in bytes there, in kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
