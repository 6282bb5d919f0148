"""Real X-rays, as people have them; skipped where they are not beside the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core.data import images, library
from core.data.splits import PARTS, split


def test_importing_darkcovidnet_finds_every_image_class_and_patient(real_data: Path) -> None:
    record = library.import_folder(real_data / "darkcovidnet-384")
    assert record.images == 1124
    assert record.classes == {"Covid-19": 124, "No_findings": 500, "Pneumonia": 500}
    assert (record.patients, record.dropped, record.modes) == (764, [], {"L": 1124})


def test_its_splits_keep_patients_together_in_every_fold(real_data: Path) -> None:
    manifest = library.open_dataset(str(real_data / "darkcovidnet-384"))
    for fold in range(5):
        parts = split(manifest, folds=5, fold=fold, validation_folds=5, seed=0)
        assert parts.grouped
        assert manifest.table.assign(part=parts.part).groupby("patient_id")["part"].nunique().max() == 1
        shares = parts.counts(manifest).div(pd.Series(manifest.class_counts()), axis=0)
        assert (abs(shares[list(PARTS)] - [0.64, 0.16, 0.2]) < 0.05).all(axis=None)


def test_cohen_s_table_gives_frontal_x_rays_and_counts_what_it_leaves_out(real_data: Path) -> None:
    record = library.import_folder(real_data / "cohen-mini")
    assert record.images + len(record.dropped) == 58
    assert record.images == 42
    assert sorted(record.reasons.values()) == [8, 8]  # CT, lateral
    assert len(record.classes) == 4


def test_original_files_of_every_kind_are_read(real_data: Path) -> None:
    seen = set()
    for path in sorted((real_data / "cohen-mini" / "images").iterdir())[::6]:
        xray = images.read(path)
        seen.add(xray.format)
        assert images.fit(xray.pixels, 64, "pad").std() > 5
        assert xray.pixels.dtype == np.uint8
    assert seen == {"PNG", "JPEG"}
