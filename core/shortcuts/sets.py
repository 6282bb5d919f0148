"""Planted data sets: part of a data set with a marker on a share of one class, and its clean twin. Both are registered under their own
names, which say what they are and, by a hash, what they were made from; the same planting is made once.

`artifacts/datasets/<name>/images` holds the images with `metadata.csv` (and the phantom's lesion masks), `planting.json` beside it how
they came about. The two sets have the same file names, so that every image of the one is found in the other.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from core import access, wording
from core.data import library
from core.data.threads import Progress
from core.errors import InvalidSpec, UnknownName
from core.files import write_json
from core.settings import artifacts_dir
from core.shortcuts import planting
from core.shortcuts.planting import Marker

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from core.data.manifest import Manifest

SIDE = 384  # pixels: longer sides are reduced to it, which is more than the lab's networks look at
PER_CLASS = 300  # images of a class, at most
VERSION = 1  # part of the names: raise it whenever the same planting would give other images
RECORD = "planting.json"


@dataclass(frozen=True)
class Plan:
    """What is to be planted. Everything that decides the images is in it, apart from the source's own content."""

    source: str  # a registered name, or a folder
    label: str  # the class that gets the marker
    marker: Marker
    share: float = 1.0  # of its images
    against: tuple[str, ...] = ()  # the other classes that are kept; empty: all
    per_class: int = PER_CLASS  # larger classes lose whole patients, drawn by `seed`
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InvalidSpec("A marker is planted on more than 0 and at most 100 % of a class.", self.share, "Choose such a share.")
        if self.per_class < 5:
            raise InvalidSpec("A class keeps at least 5 images.", self.per_class, "Choose a larger limit.")


@dataclass(frozen=True)
class Planted:
    """A planted set that was made: `name` is the marked set, `clean` its twin without any marker."""

    name: str
    clean: str
    source: str
    label: str
    marker: Marker
    share: float
    seed: int
    images: int  # of the set
    of_label: int  # images of the marked class
    marked: int
    left_out: dict[str, int]  # class → images above the limit

    @property
    def sentence(self) -> str:
        """What was done, for every place that shows the set."""
        carried = f"{self.marked:,} of {self.of_label:,} images of “{self.label}”"
        text = f"Planted for teaching: {self.marker.words}, on {carried}, from {library.title(self.source)}."
        lost = ", ".join(f"{count:,} of “{name}”" for name, count in self.left_out.items())
        return f"{text} A part of the set, drawn by seed {self.seed}; left out: {lost}." if lost else text


def make(plan: Plan, progress: Progress | None = None) -> Planted:
    """The planted set and its clean twin, written and registered where they are not there yet.

    Raises:
        UnknownName: no such data set, or class in it.
        UnusableData, UnreadableImage: its images are gone or have changed.
        NotAllowed: whoever acts may not bring data sets in.
    """
    access.require("import")
    source = library.open_dataset(plan.source)
    part = _part(source, plan)
    clean, name = _names(source, part, plan)
    if (found := known(name)) is not None:
        return found
    marked = _marked(part, plan)
    planted = Planted(
        name=name,
        clean=clean,
        source=source.name,
        label=plan.label,
        marker=plan.marker,
        share=plan.share,
        seed=plan.seed,
        images=len(part),
        of_label=part.class_counts()[plan.label],
        marked=int(marked.sum()),
        left_out={label: count - part.class_counts()[label] for label, count in source.class_counts().items() if label in part.classes},
    )
    planted = replace(planted, left_out={label: count for label, count in planted.left_out.items() if count})
    _write_clean(planted, source, part, progress)
    _write_marked(planted, part, marked)
    write_json(_home(name) / RECORD, asdict(planted) | {"marker": planting.to_json(plan.marker)})
    return planted


def known(name: str) -> Planted | None:
    """The planted set called `name`; None where it is no planted set."""
    record = _home(name) / RECORD
    if not library.is_registered(name) or not record.is_file():
        return None
    content: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return Planted(**content | {"marker": planting.from_json(content["marker"])})


def every() -> list[Planted]:
    """All planted sets, by name."""
    return [found for name in library.names() if (found := known(name)) is not None]


def classes(source: str) -> tuple[str, ...]:
    """Classes of a data set, known or not yet drawn.

    Raises:
        UnknownName: no such data set.
    """
    for record in library.available():
        if record.name == source:
            return tuple(sorted(record.classes))
    raise UnknownName.among("data set", source, library.names())


def sources() -> list[str]:
    """Data sets that something can be planted on: at least two classes, and not planted or cleaned by the lab itself."""
    own = {name for planted in every() for name in (planted.name, planted.clean)}
    return [record.name for record in library.available() if len(record.classes) > 1 and record.name not in own]


def samples(plan: Plan, count: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
    """`count` images of the class as they are and with the marker, to look at before anything is written. uint8 [height, width] each

    Raises as `make`.
    """
    if plan.source == library.PHANTOM and not library.is_registered(plan.source):
        from core.data import phantom

        patients = range(phantom.CLASSES.index(plan.label), len(phantom.CLASSES) * count, len(phantom.CLASSES))
        originals = [phantom.draw(plan.label, patient).image for patient in patients]  # the whole set takes its time
    else:
        manifest = library.open_dataset(plan.source)
        _refuse_unknown(manifest, (plan.label,))
        rows = manifest.table[manifest.table["label"] == plan.label].head(count)
        originals = [_reduced(manifest.root / path, sha256, manifest) for path, sha256 in zip(rows["path"], rows["sha256"], strict=True)]
    return [(pixels, planting.plant(pixels, plan.marker)) for pixels in originals]


def read(name: str, sample_id: str) -> np.ndarray:
    """One image of a planted set or a clean twin, as it was written. uint8 [height, width]"""
    from core.data import images

    return images.read(_home(name) / "images" / sample_id).pixels


def marked(planted: Planted) -> frozenset[str]:
    """File names of the images that carry the marker."""
    import pandas as pd

    table = pd.read_csv(_home(planted.name) / "images" / "metadata.csv", dtype=str, keep_default_na=False)
    return frozenset(table.loc[table["planted"] == "yes", "path"])


def _part(source: Manifest, plan: Plan) -> Manifest:
    """The classes that are kept, each cut to the limit by whole patients."""
    from core.data import subset

    _refuse_unknown(source, (plan.label, *plan.against))
    others = tuple(name for name in source.classes if name != plan.label and (not plan.against or name in plan.against))
    if not others:
        raise InvalidSpec("A marker on one class needs another class beside it.", f"“{plan.label}” alone", "Keep another class.")
    labels = sorted((plan.label, *others))
    return subset.take(source, labels, dict.fromkeys(labels, plan.per_class), plan.seed)


def _marked(part: Manifest, plan: Plan) -> np.ndarray:
    """Which rows get the marker: whole patients as far as it goes. bool [rows]"""
    from core.data import subset

    own = (part.table["label"] == plan.label).to_numpy()
    count = round(plan.share * int(own.sum())) or 1
    chosen = subset.take(part, (), {plan.label: count}, plan.seed + 1)  # not the draw that cut the class
    return own & part.table["path"].isin(chosen.table["path"]).to_numpy()


def _names(source: Manifest, part: Manifest, plan: Plan) -> tuple[str, str]:
    """Of the clean twin and of the planted set."""
    base = re.sub(r"[^a-z0-9]+", "-", source.name.lower()).strip("-")[:20] or "data"
    content = [part.sha256, str(SIDE), str(VERSION)]
    marked = [*content, json.dumps(planting.to_json(plan.marker), sort_keys=True), plan.label, repr(plan.share), str(plan.seed)]
    clean, planted = (hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8] for lines in (content, marked))
    return f"{base}-clean-{clean}", f"{base}-planted-{plan.marker.kind}-{round(100 * plan.share)}-{planted}"


def _write_clean(planted: Planted, source: Manifest, part: Manifest, progress: Progress | None) -> None:
    from PIL import Image

    from core.data import threads

    if library.is_registered(planted.clean):
        return
    with _Folder(planted.clean) as folder:

        def save(row: int) -> None:
            entry = part.table.iloc[row]
            Image.fromarray(_reduced(source.root / entry["path"], entry["sha256"], source)).save(folder / _file(row))
            mask = source.root / "masks" / Path(entry["path"]).name
            if source.synthetic and mask.is_file():
                shutil.copyfile(mask, folder / "masks" / _file(row))

        if source.synthetic:
            (folder / "masks").mkdir()
        threads.each(save, range(len(part)), progress)
        _table(part).to_csv(folder / "metadata.csv", index=False)
    copied = f"{wording.count(len(part), 'image')} of {library.title(source.name)}"
    note = f"The lab’s copy of {copied}, without a marker; sides of at most {SIDE} pixels."
    _register(planted.clean, source.synthetic, note)


def _write_marked(planted: Planted, part: Manifest, marked: np.ndarray) -> None:
    from PIL import Image

    if library.is_registered(planted.name):
        return
    twin = _home(planted.clean) / "images"
    with _Folder(planted.name) as folder:
        shutil.copytree(twin, folder, dirs_exist_ok=True)
        for row in marked.nonzero()[0]:
            Image.fromarray(planting.plant(read(planted.clean, _file(row)), planted.marker)).save(folder / _file(row))
        _table(part).assign(planted=["yes" if each else "no" for each in marked]).to_csv(folder / "metadata.csv", index=False)
    _register(planted.name, part.synthetic, planted.sentence)


class _Folder:
    """The images of data set `name`, written under another name first: there wholly or not at all."""

    def __init__(self, name: str) -> None:
        self.final = _home(name) / "images"
        self.partial = self.final.with_name(f".images.{uuid4().hex[:8]}.partial")

    def __enter__(self) -> Path:
        self.partial.mkdir(parents=True)
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not self.final.exists():  # the same content where another session was quicker
            self.partial.rename(self.final)
        shutil.rmtree(self.partial, ignore_errors=True)


def _register(name: str, synthetic: bool, note: str) -> None:
    """Import the written images, with `note` before what the import itself has to say."""
    record = library.import_folder(_home(name) / "images", name, synthetic=synthetic)
    kept = [each for each in record.notes if "not named in metadata.csv" not in each]  # the masks, which belong there
    write_json(_home(name) / "dataset.json", asdict(replace(record, notes=[note, *kept])))


def _table(part: Manifest) -> pd.DataFrame:
    """metadata.csv: patients, sources and views are kept, and the file that each image came from."""
    return part.table.drop(columns="sha256").assign(original=part.table["path"], path=[_file(row) for row in range(len(part))])


def _file(row: int) -> str:
    return f"{row:05}.png"


def _reduced(file: Path, sha256: str, manifest: Manifest) -> np.ndarray:
    """An image of the source at sides of at most SIDE pixels, its aspect kept. uint8 [height, width]"""
    import numpy as np
    from PIL import Image

    from core.data import cache

    pixels = cache.read_unchanged(file, sha256, manifest)
    scale = SIDE / max(pixels.shape)
    if scale >= 1:
        return pixels
    height, width = (max(1, round(scale * side)) for side in pixels.shape)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def _refuse_unknown(manifest: Manifest, labels: tuple[str, ...]) -> None:
    for label in labels:
        if label not in manifest.classes:
            raise UnknownName.among(f"class of {manifest.name}", label, manifest.classes)


def _home(name: str) -> Path:
    return artifacts_dir() / "datasets" / name
