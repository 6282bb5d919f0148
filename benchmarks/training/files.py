"""The files of a comparison: drawn or taken from a folder, and the folders of links in which peers find our own parts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidSpec, UnusableData

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.data.manifest import Manifest
    from core.data.splits import Split

FOLDS = 10
PEER_PARTS = {"train": "train", "validation": "validation"}
TORCHVISION_PARTS = {"train": "train", "validation": "val"}
TOP = 5  # classes that torchvision's reference counts upon: it prints the top five


@dataclass(frozen=True)
class Prepared:
    """The same images three times: `folder` for us, `links` and `links_of_five` (see `link_parts`) for peers."""

    folder: Path
    links: Path
    links_of_five: Path
    classes: int
    train: int
    validation: int
    test: int


def drawn(home: Path, images: int, size: int, progress: Callable[[int, int], None] | None = None) -> Path:
    """A folder of phantom PNGs of `size` pixels, drawn when it is not there yet; `images` is a multiple of four, the classes."""
    from core.data import phantom

    per_class, rest = divmod(images, len(phantom.CLASSES))
    if rest:
        raise InvalidSpec("Phantom images are drawn equally for each class.", images, f"Give a multiple of {len(phantom.CLASSES)}.")
    folder = home / f"phantom-{size}-{images}"
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        phantom.write(folder, per_class=per_class, size=size, progress=progress)
    return folder


def some_of(folder: Path, images: int, home: Path) -> Path:
    """`folder` itself where it has no more than `images`, else a folder of links to so many, spread over its classes evenly.

    Patients are not carried over, so that a part's split is ungrouped; that is no matter where speed is measured.
    """
    from core.data import layouts

    rows = layouts.find(folder).rows
    if images >= len(rows):
        return folder
    classes = rows["label"].nunique()
    taken = rows.groupby("label").head(-(-images // classes)).groupby("label", group_keys=False)
    chosen = rows.loc[taken.cumcount().sort_values(kind="stable").index[:images]]
    part = home / f"{folder.name}-{images}"
    for path, label in zip(chosen["path"], chosen["label"], strict=True):
        _link(folder.resolve() / path, part / label / path.replace("/", "_"))
    return part


def prepare(folder: Path, home: Path, folds: int = FOLDS) -> Prepared:
    """Split `folder` as `core train --fold 1/FOLDS` does and link its parts for the peers. The import is done apart from any pass."""
    from core.data import library, splits

    with _other_artifacts():
        manifest = library.open_dataset(str(folder))
        split = splits.split(manifest, folds=folds, fold=0, validation_folds=5, seed=0)
    links, five = home / "links", home / "links-of-five"
    link_parts(manifest, split, links, PEER_PARTS)
    link_parts(manifest, split, five, TORCHVISION_PARTS, classes=TOP)
    count = {part: len(split.rows(part)) for part in splits.PARTS}
    return Prepared(folder, links, five, len(manifest.classes), count["train"], count["validation"], count["test"])


def link_parts(manifest: Manifest, split: Split, target: Path, parts: dict[str, str], classes: int = 0) -> None:
    """Links to exactly the files of our parts, as `target/<part's name>/<class>/<file>`; what stood in `target` must be gone.

    `classes`: where there are fewer, single images of the first class stand in further ones, since some programs need so many. The files
    stay the same and as many.
    """
    if target.exists():
        raise UnusableData("Links are made in a new folder.", target, "Delete it first.")
    files, labels = manifest.paths(), manifest.table["label"].tolist()
    further = [f"~{number}" for number in range(len(manifest.classes), classes)]  # sorts after every class
    for part, name in parts.items():
        rows = split.rows(part)
        first = [row for row in rows if labels[row] == manifest.classes[0]]
        moved = dict(zip(first, further, strict=False))
        for row in rows:
            path = manifest.table["path"].iloc[row].replace("/", "_")
            _link(files[row], target / name / moved.get(row, labels[row]) / path)


@contextmanager
def _other_artifacts() -> Iterator[None]:
    """What is imported in the block is registered nowhere that a person would see it."""
    before = os.environ.get("CXRLAB_ARTIFACTS")
    with tempfile.TemporaryDirectory(prefix="cxrlab-") as folder:
        os.environ["CXRLAB_ARTIFACTS"] = folder
        try:
            yield
        finally:
            os.environ.pop("CXRLAB_ARTIFACTS")
            if before is not None:
                os.environ["CXRLAB_ARTIFACTS"] = before


def _link(file: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(file)
