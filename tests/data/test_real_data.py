"""Real X-rays, as people have them; skipped where they are not beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data import images, layouts, library
from core.data.manifest import Manifest
from core.data.splits import PARTS, split
from core.errors import UnusableData


def listed(folder: Path) -> Manifest:
    """The manifest of `folder` without a look at its images: every file stands for itself."""
    rows = layouts.find(folder).rows
    return Manifest("listed", folder, rows.assign(sha256=rows["path"]))


def test_importing_darkcovidnet_finds_every_image_class_and_patient(real_data: Path) -> None:
    record = library.import_folder(real_data / "darkcovidnet-384")
    assert record.images == 1124
    assert record.classes == {"Covid-19": 124, "No_findings": 500, "Pneumonia": 500}
    assert (record.patients, record.dropped, record.modes) == (764, [], {"L": 1124})


@pytest.mark.parametrize("fold", range(5))
def test_its_split_keeps_patients_together_in_every_fold(real_data: Path, fold: int) -> None:
    manifest = listed(real_data / "darkcovidnet-384")
    parts = split(manifest, folds=5, fold=fold, validation_folds=5, seed=0)
    assert parts.grouped
    assert manifest.table.assign(part=parts.part).groupby("patient_id")["part"].nunique().max() == 1
    shares = parts.counts(manifest).div(pd.Series(manifest.class_counts()), axis=0)
    assert (abs(shares[list(PARTS)] - [0.64, 0.16, 0.2]) < 0.05).all(axis=None)


def test_opening_a_set_of_another_shape_gives_a_message_and_not_a_crash(real_data: Path) -> None:
    """Cohen's collection has one folder of images and a table of other columns: as class folders it has one class."""
    manifest = library.open_dataset(str(real_data / "cohen-mini"))
    record = library.describe(manifest.name)
    assert record.images + len(record.dropped) == 58
    assert any("one class only" in note for note in record.notes)
    with pytest.raises(UnusableData, match="at least two classes"):
        split(manifest, folds=5, fold=0, validation_folds=5, seed=0)


def test_original_files_of_every_kind_are_read(real_data: Path) -> None:
    seen = set()
    for path in sorted((real_data / "cohen-mini" / "images").iterdir())[::6]:
        xray = images.read(path)
        seen.add(xray.format)
        assert images.fit(xray.pixels, 64, "pad").std() > 5
        assert xray.pixels.dtype == np.uint8
    assert seen == {"PNG", "JPEG"}
