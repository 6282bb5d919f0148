"""How an image becomes a network's input square, as data: read by recipes without loading what opens images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Resize = Literal["squash", "crop", "pad"]
Equalise = Literal["none", "clahe"]


@dataclass(frozen=True)
class Preparation:
    """`size` in pixels; how the aspect ratio is treated; contrast limited adaptive histogram equalisation (Zuiderveld 1994), or none."""

    size: int
    resize: Resize = "squash"
    equalise: Equalise = "none"
