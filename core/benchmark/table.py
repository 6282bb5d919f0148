"""What the benchmark came to, as one frozen table that is stored with the records: read at once, without counting anything again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core import wording
from core.benchmark.protocol import FOLDS, HONEST, PUBLISHED
from core.errors import UnusableRun
from core.files import write_text
from core.settings import recorded_dir

NAME = "benchmark.json"
FROM_SCRATCH = "all networks from random weights, as ImageNet weights were not at hand"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Frozen):
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """ "84.1 % (79.0–88.6)"."""
        return wording.percent_interval(self.value, self.low, self.high)

    @property
    def points(self) -> str:
        """Of a difference: "+2.1 (+0.3 to +3.9)"."""
        value, low, high = (100 * share for share in (self.value, self.low, self.high))
        return f"{value:+z.1f} ({low:+z.1f} to {high:+z.1f})"


class Side(_Frozen):
    """One row under one protocol. `accuracy`: over the pooled test images of all folds; until all of a seed are done, of those that are."""

    runs: tuple[str, ...]  # records, the fold of the lowest number first
    folds: int  # of the benchmark's first seed that are done
    seeds: int  # all of whose folds are done
    images: int  # tested
    accuracy: Figure
    kind: str  # what the interval is
    seconds: float | None  # that a run took, on average
    devices: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return self.seeds > 0

    @property
    def text(self) -> str:
        """ "84.1 % (79.0–88.6)"; until all folds are done with their number."""
        return self.accuracy.text if self.whole else f"{self.accuracy.text}, {self.folds} of {FOLDS} folds"


class AgainstProbe(_Frozen):
    """The honest figure beside the best probe on the same images: a paired difference in accuracy."""

    probe: str
    sees: str
    accuracy: Figure
    difference: Figure  # network minus probe
    p_holm: float  # McNemar's exact test, corrected for all rows
    verdict: str  # "above", "below" or "not told apart"


class Line(_Frozen):
    """One row. `gap`: published minus honest accuracy, paired by image; None until both are whole."""

    recipe: str
    title: str
    model: str
    published: str  # the paper's figure, on its own data, as printed
    note: str  # what must be known of the row
    classes: int
    sides: dict[str, Side]  # by protocol
    gap: Figure | None
    against: AgainstProbe | None
    parameters: float | None
    milliseconds_an_image: float | None


class Probe(_Frozen):
    """A shortcut probe on the folds of a protocol, pooled."""

    name: str
    sees: str
    accuracy: dict[str, Figure]  # by protocol
    images: int


class Missing(_Frozen):
    """What of the plan with one seed was not run. Folds are counted from 1."""

    recipe: str
    protocol: str
    folds: tuple[int, ...]

    @property
    def which(self) -> str:
        """ "all folds", "folds 2, 3"."""
        return "all folds" if len(self.folds) == FOLDS else f"folds {', '.join(map(str, self.folds))}"


class Table(_Frozen):
    """`answers`: the record whose network answers uploads, or ""."""

    data: str
    images: int
    patients: int | None
    classes: tuple[str, ...]
    dates: tuple[float, float]  # Unix times of the first and the last run's end
    versions: tuple[str, ...]
    from_scratch: bool  # no network began from weights that were trained before
    lines: tuple[Line, ...]
    probes: tuple[Probe, ...]
    missing: tuple[Missing, ...]
    answers: str

    @property
    def title(self) -> str:
        known = "" if self.patients is None else f" of {self.patients:,} patients"
        weights = f"; {FROM_SCRATCH}" if self.from_scratch else ""
        return f"Test accuracy on {self.data}, {self.images:,} images{known}{weights}"

    def ranked(self, line: Line) -> bool:
        """Whether its accuracy is to be ranked with those of other rows: it has all classes, and so images as hard as theirs."""
        return line.classes == len(self.classes)

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(sorted({device for line in self.lines for side in line.sides.values() for device in side.devices}))

    def rows(self) -> list[dict[str, str]]:
        """A row a recipe, for people: both protocols with intervals, the gap, the best probe, costs."""
        return [_row(line) for line in self.lines]

    def probe_rows(self) -> list[dict[str, str]]:
        """A row a probe, for people."""
        return [
            {"Probe": one.name, "Sees only": one.sees}
            | {title: one.accuracy[protocol].text if protocol in one.accuracy else "" for title, protocol in _TITLES.items()}
            | {"n": f"{one.images:,}"}
            for one in self.probes
        ]

    def notes(self) -> Iterator[str]:
        """What must be read with the rows: what intervals are, machine and date, and what was not run."""
        kinds = dict.fromkeys(side.kind for line in self.lines for side in line.sides.values())
        yield from kinds
        yield "Gap: random minus honest accuracy in points, paired by image and drawn by patient; above zero, random folds flatter."
        days = list(dict.fromkeys(wording.day(moment) for moment in self.dates))
        yield f"Trained {' to '.join(days)} on {'; '.join(self.devices)}; {', '.join(self.versions)}."

    def not_run(self) -> list[str]:
        """What of the plan with one seed is missing, rows that lack the same together; empty where nothing is."""
        lacks: dict[str, list[str]] = {}
        for one in self.missing:
            lacks.setdefault(one.recipe, []).append(f"{one.protocol}: {one.which}")
        alike: dict[str, list[str]] = {}
        for recipe, what in lacks.items():
            alike.setdefault("; ".join(what), []).append(recipe)
        return [f"{what} ({wording.count(len(recipes), 'row')}): {', '.join(recipes)}" for what, recipes in alike.items()]

    def to_text(self) -> str:
        return self.model_dump_json(indent=1) + "\n"


_TITLES = {"Random folds": PUBLISHED.name, "By patient": HONEST.name}


def path() -> Path:
    return recorded_dir() / NAME


def stored() -> Table | None:
    """The table that came with the records; None where there is none.

    Raises:
        UnusableRun: it cannot be read.
    """
    if not path().is_file():
        return None
    try:
        return Table.model_validate_json(path().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        rule, way_out = "The benchmark's table is read as it was written.", "Write it again: python -m core benchmark table --write."
        raise UnusableRun(rule, f"{path()}, which is damaged", way_out) from error


def store(table: Table, folder: Path) -> None:
    write_text(folder / NAME, table.to_text())


def _row(line: Line) -> dict[str, str]:
    sides = {title: line.sides[name].text if name in line.sides else "not run" for title, name in _TITLES.items()}
    honest = line.sides.get(HONEST.name) or line.sides.get(PUBLISHED.name)
    against = line.against
    return {
        "Recipe": line.recipe,
        "Network": line.model,
        "Published, on other data": line.published,
        **sides,
        "Gap (points)": line.gap.points if line.gap else "",
        "Against the best probe": f"{against.difference.points}, {against.verdict}" if against else "",
        "n": f"{honest.images:,}" if honest else "",
        "Parameters": wording.short(line.parameters) if line.parameters else "",
        "A run": wording.duration(honest.seconds) if honest and honest.seconds else "",
        "Note": line.note,
    }
