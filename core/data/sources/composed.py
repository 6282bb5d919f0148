"""Sets that papers put together from others, built anew from what is imported: links to its files, and one table over them all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.sources import arranging
from core.data.sources.spec import Composed, Part
from core.data.sources.transfer import Progress
from core.errors import UnusableData

if TYPE_CHECKING:
    from core.data.manifest import Manifest


def build(way: Composed, folder: Path, progress: Progress | None = None) -> Path:
    """Write the set to `folder`, anew each time, and return it; complete or not at all.

    Where a part takes some images of a class only, they are those whose sha256 comes first: a draw that files' names and order in no
    way sway, and the same on every machine. `progress` counts images.

    Raises:
        UnusableData: a set that it is built from is not imported, or lacks a class.
    """
    manifests = _manifests(way)
    chosen = [(part, row) for part in way.parts for row in _taken(manifests[part.source], part)]
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        rows = []
        for done, (part, row) in enumerate(chosen, 1):
            path = f"{part.label}/{part.source}-{done:05}{Path(row.path).suffix.lower()}"
            place(manifests[part.source].root / row.path, partial / path)
            patient = f"{part.source}:{row.patient_id}" if row.patient_id else ""
            rows.append((path, part.label, patient, part.source, row.view))
            if progress:
                progress(done, len(chosen))
        arranging.write_table(partial, rows)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def place(file: Path, target: Path) -> None:
    """Let `target` be the same file: a hard link, which takes no room and outlives the other name; a copy on another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file.resolve(), target)
    except OSError:
        shutil.copy2(file, target)


def _manifests(way: Composed) -> dict[str, Manifest]:
    from core.data import library

    if missing := [name for name in way.needs if not library.is_registered(name)]:
        raise UnusableData(
            "A composed set is built from sets that are imported under their sources’ names.",
            f"{', '.join(way.needs)}, of which {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            "Import these sources first; each stands in the list of sources.",
        )
    return {name: library.open_dataset(name) for name in way.needs}


def _taken(manifest: Manifest, part: Part) -> list:
    """Rows of the manifest's table, as named tuples."""
    from core.data.vocabulary import canonical

    rows = manifest.table[manifest.table["label"].map(canonical) == part.label]
    if rows.empty:
        received = f"{manifest.name} with {', '.join(manifest.classes)}"
        raise UnusableData(f"The set has images of the class {part.label}.", received, f"Import the source {part.source} anew.")
    ordered = rows.sort_values(["sha256", "path"])
    return list((ordered if part.count is None else ordered.head(part.count)).itertuples(index=False))
