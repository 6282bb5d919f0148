"""What the parts of the explorer share: the data set looked at, a bar for long readings, and images in a row that open one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from core.data import exploration, gallery, library, splits
from core.data.manifest import Manifest
from core.errors import CoreError
from core.recipes.specs import SplitSpec
from core.report.tables import markdown_text
from core.runs import index, store
from pages import parts

if TYPE_CHECKING:
    import numpy as np

Item = TypeVar("Item")
DEFAULT_SPLIT = "default"

WIDTH = 140  # pixels: of an image in a row
LIGHTS = {
    "green": (":material/check_circle:", "green", "fine"),
    "amber": (":material/warning:", "orange", "take care"),
    "red": (":material/dangerous:", "red", "serious"),
}
"""Icon, colour and word: colour alone is not seen by all."""


@dataclass(frozen=True)
class Explored:
    """A data set, as the record of its import and its rows; `key` changes whenever it is imported anew."""

    record: library.Dataset
    manifest: Manifest

    @property
    def key(self) -> tuple[str, float]:
        return self.record.name, self.record.imported

    @property
    def title(self) -> str:
        """Its name for people, as runs have it."""
        return library.title(self.record.name)

    def class_of(self, row: int) -> str:
        return self.manifest.table["label"].iat[row]


def explore(name: str) -> Explored:
    """The registered data set `name`."""
    record = library.describe(name)
    return Explored(record, library.manifest_of(record))


def choose_split(explored: Explored, label: str, none: str) -> str:
    """The default split of new runs, or that of a run on this data set, as `parts_by` takes it; `none` is how no split is called."""
    runs = {row.run_id: parts.run_label(row) for row in index.rows() if row.data == explored.title}
    names = {"": none, DEFAULT_SPLIT: "default split of new runs", **runs}
    return parts.choose(label, list(names), "split", names.__getitem__)


def parts_by(explored: Explored, split: str) -> np.ndarray:
    """The part of each row by `split`, which is not empty. str [rows]"""
    return _parts(explored.key, split, explored.manifest)


@st.cache_resource(max_entries=8, show_spinner="Reading the split …")
def _parts(key: tuple[str, float], split: str, _manifest: Manifest) -> np.ndarray:  # noqa: ARG001
    if split == DEFAULT_SPLIT:
        return splits.split(_manifest, **SplitSpec().model_dump()).part
    return exploration.parts_of(_manifest, store.find(split).split())


def light(colour: str) -> None:
    icon, shade, word = LIGHTS[colour]
    st.badge(word, icon=icon, color=shade)


def reporter(text: str) -> tuple[Callable[[int, int], None], Callable[[], None]]:
    """A bar, as a progress callback, and what ends it. It moves a hundred times at most: every move is sent to the browser."""
    bar, shown = st.progress(0.0, text=f"{text} …"), [-1]

    def report(done: int, total: int) -> None:
        if (hundredths := 100 * done // total) > shown[0]:
            shown[0] = hundredths
            bar.progress(hundredths, text=f"{text}: {done:,} of {total:,}")

    return report, bar.empty


def page_of(rows: Sequence[Item], size: int, key: str) -> Sequence[Item]:
    """Those of `rows` on the page that the person chose, `size` a page."""
    pages = -(-len(rows) // size)
    number = st.number_input(f"Page (of {pages:,})", 1, pages, key=key, width=160) if pages > 1 else 1
    return rows[(number - 1) * size : number * size]


def images_in_a_row(explored: Explored, rows: Sequence[int], key: str, captions: Sequence[str] = ()) -> None:
    """Images that open when what stands below them is pressed: `captions`, Markdown, one an image; the class where there are none."""
    table = explored.manifest.table
    with st.container(horizontal=True, gap="small"):
        for place, (row, picture) in enumerate(zip(rows, gallery.thumbnails(explored.manifest, rows, WIDTH), strict=True)):
            with st.container(width=WIDTH, gap="xxsmall"):
                path, label = table["path"].iat[row], explored.class_of(row)
                if isinstance(picture, CoreError):
                    st.error("cannot be read", icon=":material/broken_image:")
                else:
                    st.image(picture, width=WIDTH, alt=f"X-ray, {label}")
                name = captions[place] if captions else markdown_text(label)
                if st.button(name, key=f"{key} {row}", type="tertiary", icon=":material/open_in_full:", help=markdown_text(path)):
                    open_image(path)


def open_image(path: str | None) -> None:
    """Show one image by itself, or all again, in the view of images."""
    if path is None:
        st.query_params.pop("image", None)
    else:
        st.query_params.update({"image": path, "view": "images"})
    st.rerun()
