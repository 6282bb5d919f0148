"""Whether runs made anew come out as the records do: the check that anybody can repeat what the project recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core import wording
from core.evaluation.metrics import answers_of
from core.runs import store
from core.runs.index import Row


@dataclass(frozen=True)
class Repeat:
    """A run of a record's very recipe, seed and fold, beside the record. Shares are of the test part."""

    record: str
    run_id: str
    images: int
    recorded: float  # accuracy, with its 95 % interval
    low: float
    high: float
    again: float  # accuracy
    changed: int  # test images whose predicted class is another one
    largest: float  # difference between two probabilities of one image and class

    @property
    def verdict(self) -> str:
        """ "bit for bit", "within the interval" or "outside the interval"."""
        if self.largest == 0:
            return "bit for bit"
        return "within the interval" if self.low <= self.again <= self.high else "outside the interval"

    def row(self) -> dict[str, str]:
        """For people."""
        return {
            "Record": self.record,
            "Recorded": wording.percent_interval(self.recorded, self.low, self.high),
            "Again": wording.percent(self.again),
            "Other class": f"{self.changed:,} of {self.images:,}",
            "Largest difference": f"{self.largest:.2g}",
            "Verdict": self.verdict,
        }


def repeats(found: Sequence[Row]) -> list[Repeat]:
    """Every record that was trained anew here, beside the newest run that did.

    Args:
        found: all runs, newest first.
    """
    records = {_key(row): row for row in found if row.recorded and row.state == "done"}
    newest: dict[tuple[str, int, int], Row] = {}
    for row in found:
        record = records.get(_key(row))
        # The run that a record was made of says nothing.
        if record and not row.recorded and row.state == "done" and row.created != record.created:
            newest.setdefault(_key(row), row)
    return [_repeat(records[key], row) for key, row in sorted(newest.items(), key=lambda item: records[item[0]].run_id)]


def _key(row: Row) -> tuple[str, int, int]:
    return row.experiment, row.seed, row.fold


def _repeat(record: Row, row: Row) -> Repeat:
    (labels, before), (_, after) = _tested(record), _tested(row)
    return Repeat(
        record=record.run_id,
        run_id=row.run_id,
        images=len(labels),
        recorded=record.metrics["accuracy"],
        low=record.metrics["accuracy_low"],
        high=record.metrics["accuracy_high"],
        again=float((after.argmax(axis=1) == labels).mean()),
        changed=int((after.argmax(axis=1) != before.argmax(axis=1)).sum()),
        largest=float(np.abs(after - before).max()),
    )


def _tested(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """In the order of the images' names: true class index [images]; probabilities [images, classes], single as records have them.

    Raises:
        UnusableRun: the predictions cannot be read.
    """
    run = store.at(row.run_id)
    labels, shares, _ = answers_of(run.predictions().sort_values("sample_id"), run.recipe().data.classes, "test")
    return labels, shares.astype(np.float32)
