"""What the readers of layouts return."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Listing:
    """What a folder holds: `rows` has the columns path (relative, with /), label, patient_id, source, view; `notes` are for people."""

    rows: pd.DataFrame
    layout: str
    dropped: tuple[tuple[str, str], ...] = ()  # path, reason
    notes: tuple[str, ...] = ()
