"""The project's own recipe for the recorded benchmark: a small network behind fixed counts of edges, from random weights.

Designed on validation images alone; docs/benchmark.md says what was tried and why this was chosen.
Run: python -m core train --recipe cxrlab-best --data DATA
"""

from __future__ import annotations

from core.recipes.entry import UNCHANGED, Entry

ENTRY = Entry(
    name="cxrlab-best",
    title="CXR Lab's own: edge counts and a small residual network",
    model="edgenet",
    changes={
        "augmentation": {**UNCHANGED, "flip": True},
        "loss.label_smoothing": 0.1,
        "optimiser": {"lr": 2e-3, "weight_decay": 0.05},
        "epochs": 12,
    },
)
