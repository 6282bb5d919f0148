"""A heat map as data: what a method found, in its own units, and what must be said beside it. Knows arrays, not networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.explain.methods import METHODS


@dataclass(frozen=True)
class HeatMap:
    """What speaks for one class, place by place, as coarse as the method found it.

    A map says which places raised one class's logit. It does not say that the network is right, nor that it saw disease.
    """

    values: np.ndarray  # float32 [h, w], ≥ 0, in the method's unit, not scaled
    method: str  # a name in METHODS
    layer: str = ""  # path inside the architecture; empty where the method reads none
    class_index: int | None = None  # None where the method knows no class
    label: str = ""
    signed: np.ndarray | None = None  # float32 [h, w]: the map before it was cut at 0; negative is evidence against the class
    detail: str = ""  # settings of this map, as a person reads them

    @classmethod
    def of(
        cls, signed: np.ndarray, method: str, layer: str = "", class_index: int | None = None, label: str = "", detail: str = ""
    ) -> HeatMap:
        """The map whose evidence for and against is `signed`, float [h, w]."""
        signed = np.asarray(signed, np.float32)
        index = class_index if METHODS[method].uses_class else None
        return cls(np.maximum(signed, 0), method, layer if METHODS[method].uses_layer else "", index, label, signed, detail)

    @property
    def peak(self) -> float:
        """The largest value: maps are drawn scaled to it, so without it a weak map looks like a strong one."""
        return float(self.values.max())

    @property
    def against(self) -> float:
        """The strongest evidence against the class, ≥ 0, in the same unit; 0 where the method finds none."""
        return 0.0 if self.signed is None else max(0.0, -float(self.signed.min()))

    @property
    def has_evidence(self) -> bool:
        return self.peak > 0

    def warnings(self) -> list[str]:
        """What must stand beside the picture."""
        found = [] if self.has_evidence else ["No place in the image speaks for this class: the heat map is empty."]
        method = METHODS[self.method]
        return found if method.uses_class else [*found, f"{method.title} knows no class: the map is the same whatever class is asked for."]

    def enlarged(self, height: int, width: int) -> np.ndarray:
        """The map in its own unit, enlarged smoothly; it overshoots the map's range a little. float32 [height, width]"""
        return np.asarray(Image.fromarray(self.values.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))

    def scaled(self, height: int, width: int, top: float | None = None) -> np.ndarray:
        """The map in 0…1, enlarged smoothly to a picture's size; all 0 where there is no positive evidence. float32 [height, width]

        `top` is the value drawn as 1, the map's own peak unless given: maps to be compared need a common one.
        """
        top = self.peak if top is None else top
        return np.clip(self.enlarged(height, width) / top, 0, 1) if top > 0 else np.zeros((height, width), np.float32)
