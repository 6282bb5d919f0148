"""Sets whose own tables name files and findings in ways of their own → a folder with a `metadata.csv` that the import reads.

The columns are path, label, patient_id, source and view. A row without a finding keeps an empty label: the import names it as left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from core.files import write_text

COLUMNS = ("path", "label", "patient_id", "source", "view")
Row = tuple[str, str, str, str, str]


def write_table(root: Path, rows: Iterable[Row]) -> Path:
    """Write `rows` to `root`/metadata.csv; paths are relative to `root`. Returns `root`."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([COLUMNS, *rows])
    write_text(root / "metadata.csv", text.getvalue())
    return root


def arrange(table: str, root: Path, base: Path) -> Path:
    """Read the own table `table` of the set in `base`, a folder below `root`, and write what it says to `root`. Returns `root`."""
    within = base.relative_to(root).as_posix()
    return write_table(root, ((f"{within}/{path}", *rest) for path, *rest in _TABLES[table](base)))


def files(table: str, base: Path) -> list[str]:
    """Paths of the images that the own table `table` names, relative to `base`."""
    return [path for path, *_ in _TABLES[table](base)]


def _figure1(base: Path) -> Iterator[Row]:
    """`patientid` is the file's name without its suffix; a letter behind it counts the images of one patient."""
    files = {file.stem: file.name for file in sorted((base / "images").iterdir())}
    for row in _read(base / "metadata.csv"):
        name = row["patientid"]
        yield f"images/{files.get(name, name)}", row["finding"], re.sub(r"(?<=\d)[a-z]$", "", name), "Figure 1", row["view"]


def _actualmed(base: Path) -> Iterator[Row]:
    for row in _read(base / "metadata.csv"):
        yield f"images/{row['imagename']}", row["finding"], row["patientid"], "Actualmed", row["view"]


def _hannover(base: Path) -> Iterator[Row]:
    """Every image is of a patient with COVID-19, as the repository says; only chest radiographs stand in it."""
    for row in _read(base / "data.csv"):
        yield f"png/{row['image_id']}.png", "COVID-19", row["patient_id"], "Hannover", row["projection"].upper()


def _without_train_data(base: Path) -> Iterator[Row]:
    """NonAugmentedTrain and ValData, each with a folder a class; TrainData holds augmented copies of the former."""
    for part in ("NonAugmentedTrain", "ValData"):
        for file in sorted((base / part).glob("*/*")):
            if file.is_file() and not file.name.startswith("."):
                yield file.relative_to(base).as_posix(), file.parent.name, "", "", ""


def _read(table: Path) -> list[dict[str, str]]:
    """Rows as text; older tables hold bytes that are not UTF-8, in remarks that are not read here."""
    with table.open(encoding="utf-8", errors="replace", newline="") as file:
        return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]


_TABLES: dict[str, Callable[[Path], Iterator[Row]]] = {
    "figure1": _figure1,
    "actualmed": _actualmed,
    "hannover": _hannover,
    "without TrainData": _without_train_data,
}
