"""What a person gets for an upload: a record to take away, or the answers of many networks beside each other."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.data import vocabulary
from core.explain import overlay
from core.explain.methods import METHODS
from core.report.answer import AnswerRecord, Origin, picture

if TYPE_CHECKING:
    from core.data.images import XRay
    from core.explain.heatmap import HeatMap
    from core.inference import Answer, Predictor
    from core.runs.store import Run


def record(run: Run, predictor: Predictor, xray: XRay, answer: Answer, heat: HeatMap | None = None) -> AnswerRecord:
    """All that must stand beside an answer when it is taken away; `heat`: drawn over the image as the network saw it."""
    found = predictor.calibration
    return AnswerRecord(
        origin=Origin.of(run),
        image=xray.name,
        label=answer.label,
        probabilities=answer.calibrated or answer.probabilities,
        read=picture(xray.pixels),
        answered=time.time(),
        heat_map=b"" if heat is None else overlay.png(overlay.blend(answer.prepared, heat)),
        method="" if heat is None else METHODS[heat.method].title,
        explained=heat.label if heat is not None and heat.class_index is not None else "",
        peak="" if heat is None else f"{heat.peak:.3g} {METHODS[heat.method].unit}",
        positive=answer.label if found else "",
        threshold=found.thresholds[answer.label] if found else None,
        temperature=found.temperature if found else None,
        findings=answer.doubts,
        warnings=(*answer.warnings, *(heat.warnings() if heat is not None else ())),
    )


@dataclass(frozen=True, eq=False)
class Voice:
    """One network's answer among many. `probabilities` by the field's names of the classes, calibrated where they can be."""

    run_id: str
    model: str
    label: str
    probabilities: dict[str, float]
    doubts: tuple[str, ...]
    picture: np.ndarray  # the heat map for its answer over the image as it saw it. uint8 [S, S, 3]
    peak: float


@dataclass(frozen=True)
class Chorus:
    """What many networks say together."""

    votes: tuple[tuple[str, int], ...]  # class → networks that answer it, the most frequent first
    mean: dict[str, float]  # probabilities, over the networks that know the same classes, the largest such group
    averaged: int  # networks in that group

    @property
    def agree(self) -> bool:
        return len(self.votes) == 1

    @property
    def sentence(self) -> str:
        """ "5 of 7 networks answer COVID-19, 2 Normal." """
        total = sum(count for _, count in self.votes)
        if self.agree:
            return f"All {total} networks answer {self.votes[0][0]}." if total > 1 else f"The network answers {self.votes[0][0]}."
        first, *rest = self.votes
        return f"{first[1]} of {total} networks answer {first[0]}, " + ", ".join(f"{count} {name}" for name, count in rest) + "."


def voice(predictor: Predictor, xray: XRay, method: str = "gradcam") -> Voice:
    """Ask one network, and map its own answer."""
    answer = predictor.answer(xray)
    heat = predictor.heat_map(answer.prepared, answer.label, method)
    shares = answer.calibrated or answer.probabilities
    return Voice(
        run_id=predictor.run_id,
        model=predictor.recipe.model,
        label=vocabulary.canonical(answer.label),
        probabilities={vocabulary.canonical(name): share for name, share in shares.items()},
        doubts=answer.doubts,
        picture=overlay.blend(answer.prepared, heat),
        peak=heat.peak,
    )


def chorus(voices: Sequence[Voice]) -> Chorus:
    """Count the answers of at least one network, and average the probabilities of those that know the same classes."""
    groups: dict[frozenset[str], list[Voice]] = {}
    for one in voices:
        groups.setdefault(frozenset(one.probabilities), []).append(one)
    largest = max(groups.values(), key=len)
    mean = {name: float(np.mean([one.probabilities[name] for one in largest])) for name in largest[0].probabilities}
    return Chorus(tuple(Counter(one.label for one in voices).most_common()), mean, len(largest))
