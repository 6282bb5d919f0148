"""Records of a benchmark in small: one row under both protocols, two folds each, on images of noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.benchmark import counting, protocol, recorded, table
from core.data import library
from core.jobs import requests
from core.recipes import fitting
from core.runs import index
from core.training import worker

ROW = "alasfoor-2020"
TINY = {"image.size": 24, "epochs": 2, "batch_size": 8, "split.folds": 2}


@dataclass(frozen=True)
class Made:
    artifacts: Path  # where the runs were trained
    records: Path
    outcome: recorded.Outcome


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Trained once for all tests, which must change neither folder."""
    folder, rng, rows = tmp_path_factory.mktemp("benchmark"), np.random.default_rng(0), ["path,label,patient_id,source,view"]
    for label, grey in (("COVID-19", 40), ("Normal", 120), ("Pneumonia", 200)):
        (folder / "set" / label).mkdir(parents=True)
        for number in range(24):
            noise = rng.normal(grey, 30, (24, 24)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noise).save(folder / "set" / label / f"{number}.png")
            rows.append(f"{label}/{number}.png,{label},{label}-{number // 2},made,PA")
    (folder / "set" / "metadata.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXRLAB_ARTIFACTS", str(folder / "artifacts"))
        patch.setenv("CXRLAB_RECORDED", str(folder / "records"))
        manifest = library.open_dataset(str(folder / "set"))
        for one in protocol.PROTOCOLS.values():
            for fold in range(2):
                changes = {**TINY, **protocol.CHANGES, "split.together": one.together, "split.fold": fold}
                recipe = fitting.fit(fitting.draft(recipe=ROW, **changes), manifest)[0]
                worker.run(requests.start(recipe, experiment_name=one.experiment, supervised=False))
        outcome = recorded.record(index.rows(), folder / "records")
        table.store(counting.count(recorded.rows()), folder / "records")
    return Made(folder / "artifacts", folder / "records", outcome)


@pytest.fixture
def records(made: Made, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The records beside an artifacts folder that is empty: a new machine."""
    monkeypatch.setenv("CXRLAB_RECORDED", str(made.records))
    return made.records
