"""A source's name → a folder ready for the import: archives from a server on this machine, kagglehub's cache, a file of MedMNIST."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from core.data import library, sources
from core.data.sources import catalogue, fetching, kaggle
from core.data.sources.spec import Archive, Kaggle
from core.data.sources.transfer import DownloadFailed


def png(seed: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 24), np.uint8)).save(file, "PNG")
    return file.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def know(monkeypatch):
    """Let the catalogue's entry `name` come in another way."""

    def know_(name, way):
        spec = replace(catalogue.source(name), way=way)
        monkeypatch.setitem(catalogue._BY_NAME, name, spec)
        others = [each for each in catalogue.SOURCES if each.name != name]
        monkeypatch.setattr(fetching, "SOURCES", (spec, *others))
        return spec

    return know_


def test_an_archive_is_fetched_once_unpacked_and_its_folder_imported(served, know, artifacts):
    served.content = packed({f"repo-abc/X-Ray Image DataSet/{label}/{i}.png": png(i) for i, label in enumerate(["a", "a", "b"])})
    know("darkcovidnet", Archive(served.url, "repo-abc/X-Ray Image DataSet"))
    path = sources.fetch("darkcovidnet")
    assert path == artifacts / "downloads" / "darkcovidnet" / "data" / "repo-abc" / "X-Ray Image DataSet"
    assert sources.fetch("darkcovidnet") == sources.fetched("darkcovidnet") == path
    assert len(served.asked) == 1
    assert not list(artifacts.rglob("archive.zip*"))
    record = library.import_folder(path, "darkcovidnet")
    assert record.classes == {"a": 2, "b": 1}
    assert sources.origin(record).name == "darkcovidnet"


def test_a_folder_of_ones_own_has_no_origin_even_under_the_name_of_a_source(make_folder):
    assert sources.origin(library.import_folder(make_folder({"a": 1, "b": 1}), "darkcovidnet")) is None


def test_what_is_no_archive_is_refused_and_not_kept(served, know, artifacts):
    served.content = b"<html>Please log in</html>"
    know("darkcovidnet", Archive(served.url))
    with pytest.raises(DownloadFailed, match="by hand from http://127") as caught:
        sources.fetch("darkcovidnet")
    assert "gives a ZIP archive" in str(caught.value)
    assert not list(artifacts.rglob("archive.zip*"))
    assert sources.fetched("darkcovidnet") is None


def test_a_damaged_archive_is_not_kept_for_the_next_try(served, know, artifacts):
    whole = packed({f"root/a/{i}.png": png(i) for i in range(3)})
    served.content = whole.replace(png(1)[:200], bytes(200))
    know("darkcovidnet", Archive(served.url, "root"))
    with pytest.raises(DownloadFailed, match="arrives undamaged") as caught:
        sources.fetch("darkcovidnet")
    assert served.url in str(caught.value)
    assert not list(artifacts.rglob("archive.zip*"))
    served.content = whole
    assert len(list(sources.fetch("darkcovidnet").rglob("*.png"))) == 3


def test_an_archive_without_the_folder_that_is_imported_is_told_of(served, know):
    served.content = packed({"somewhere/else.png": png()})
    know("darkcovidnet", Archive(served.url, "repo-abc/images"))
    with pytest.raises(DownloadFailed, match="without repo-abc/images"):
        sources.fetch("darkcovidnet")


def test_two_that_fetch_the_same_source_take_turns(served, know, artifacts, monkeypatch):
    monkeypatch.setattr(fetching, "WAIT", 0.02)
    served.content = packed({"root/a/1.png": png()})
    know("darkcovidnet", Archive(served.url, "root"))
    folder = artifacts / "downloads" / "darkcovidnet"
    folder.mkdir(parents=True)
    other, waited = FileLock(folder / ".lock"), threading.Event()
    other.acquire()
    thread = threading.Thread(target=sources.fetch, args=("darkcovidnet", lambda *step: waited.set() if step == (0, 0) else None))
    thread.start()
    assert waited.wait(10)
    assert served.asked == []
    other.release()
    thread.join(20)
    assert len(served.asked) == 1
    assert sources.fetched("darkcovidnet")


FIGURE1 = """patientid,offset,finding,view,modality
COVID-00003a,8,COVID-19,AP erect,X-ray
COVID-00003b,8,,AP,X-ray
COVID-00009,,No finding,,X-ray
COVID-00010,,COVID-19,PA,X-ray
"""
ACTUALMED = """patientid,finding,view,modality,imagename
ANON1,COVID-19,PA,X-ray,CR.1.png
ANON1,No finding,AP,X-ray,CR.2.png
ANON2,,PA,X-ray,CR.3.png
"""
HANNOVER = "patient_id,image_id,modality,projection\n04a3,6b5a,CR,ap\n04a3,b343,DX,pa\n"


@pytest.mark.parametrize(
    ("name", "table", "images", "rows", "dropped"),
    [
        (
            "figure1-covid",
            ("metadata.csv", FIGURE1.encode() + b"COVID-00011,,COVID-19,38\xb0 fever,X-ray\n"),
            ["images/COVID-00003a.jpg", "images/COVID-00003b.png", "images/COVID-00009.png", "images/COVID-00011.png"],
            {("COVID-19", "COVID-00003"), ("No finding", "COVID-00009"), ("COVID-19", "COVID-00011")},
            2,  # one without a finding, one without a file
        ),
        (
            "actualmed-covid",
            ("metadata.csv", ACTUALMED.encode()),
            ["images/CR.1.png", "images/CR.2.png", "images/CR.3.png"],
            {("COVID-19", "ANON1"), ("No finding", "ANON1")},
            1,
        ),
        ("hannover-covid", ("data.csv", HANNOVER.encode()), ["png/6b5a.png", "png/b343.png"], {("COVID-19", "04a3")}, 0),
    ],
)
def test_a_table_of_its_own_kind_becomes_one_that_the_import_reads(name, table, images, rows, dropped, served, know):
    content = {f"root/{path}": png(seed) for seed, path in enumerate(images)} | {f"root/{table[0]}": table[1]}
    served.content = packed(content)
    know(name, replace(catalogue.source(name).way, url=served.url, inner="root"))
    record = library.import_folder(sources.fetch(name), name)
    manifest = library.open_dataset(name)
    assert set(zip(manifest.table["label"], manifest.table["patient_id"], strict=True)) == rows
    assert len(record.dropped) == dropped
    assert set(manifest.table["source"]) == {manifest.table["source"].iloc[0]} != {""}
    assert sources.origin(record).name == name


def in_kagglehubs_cache(folder: Path, handle: str, version: int, files: dict[str, bytes]) -> None:
    """A finished download as kagglehub keeps it, its marker included."""
    home = folder / "datasets" / handle
    for name, content in files.items():
        (home / "versions" / str(version) / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "versions" / str(version) / name).write_bytes(content)
    (home / f"{version}.complete").touch()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kagglehub"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")  # nothing listens there
    monkeypatch.setattr(kaggle, "POLL", 0.05)
    return tmp_path / "kagglehub"


def test_a_kaggle_set_is_taken_from_kagglehubs_cache_in_its_pinned_version(cache):
    spec = sources.source("chest-xray-pneumonia")
    files = {f"chest_xray/{twice}test/{label}/1.jpeg": png() for twice in ("", "chest_xray/") for label in ("NORMAL", "PNEUMONIA")}
    in_kagglehubs_cache(cache, spec.way.handle, spec.way.version, files)
    path = sources.fetch(spec.name)
    assert path == cache / "datasets" / spec.way.handle / "versions" / "2" / "chest_xray" / "chest_xray"
    assert sources.fetched(spec.name) == path


def test_augmented_copies_of_a_kaggle_set_are_left_out_and_its_files_linked(cache, artifacts):
    spec = sources.source("covid19-detection-xray")
    files = {
        "NonAugmentedTrain/COVID-19/1.png": png(1),
        "NonAugmentedTrain/Normal/1.png": png(2),
        "TrainData/OversampledAugmentedCOVID-19/COVID-19/copy.png": png(1),
        "ValData/Normal/2.png": png(3),
    }
    in_kagglehubs_cache(cache, spec.way.handle, spec.way.version, files)
    path = sources.fetch(spec.name)
    assert path.is_relative_to(artifacts)
    assert library.import_folder(path, spec.name).classes == {"COVID-19": 1, "Normal": 2}
    linked = next(path.rglob("1.png"))
    assert linked.stat().st_nlink == 2
    assert sources.fetch(spec.name) == path


@pytest.mark.usefixtures("cache")
def test_kaggle_without_a_connection_names_the_address_and_the_way_by_hand():
    with pytest.raises(DownloadFailed, match="needs a connection") as caught:
        kaggle.download(Kaggle("someone/something", 3))
    assert "https://www.kaggle.com/datasets/someone/something/versions/3" in str(caught.value)
    assert "by hand" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("KaggleApiHTTPError", 403, "kaggle.json"),
        ("KaggleApiHTTPError", 404, "has this version"),
        ("ModuleNotFoundError", None, "pip install kagglehub"),
        ("OSError", None, "Make room"),
    ],
)
def test_what_kagglehub_says_becomes_what_a_person_can_do(kind, status, message):
    problem = "[Errno 28] No space left on device" if kind == "OSError" else "said so"
    assert message in str(kaggle._failure(Kaggle("a/b", 1), kind, problem, status))


def test_a_stop_ends_the_process_that_fetches_from_kaggle(cache, monkeypatch):
    monkeypatch.setattr(kaggle, "_SCRIPT", "import time; time.sleep(60)")
    started = []
    popen = kaggle.subprocess.Popen
    monkeypatch.setattr(kaggle.subprocess, "Popen", lambda *args, **kwargs: started.append(popen(*args, **kwargs)) or started[-1])
    archive = cache / "datasets" / "a" / "b" / "1.archive"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"x" * 42)

    def stop(done, _total):
        raise InterruptedError(done)

    with pytest.raises(InterruptedError, match="42"):
        kaggle.download(Kaggle("a/b", 1), stop)
    assert started[0].poll() is not None


@pytest.fixture
def medmnist_file(tmp_path) -> bytes:
    file = tmp_path / "made.npz"
    rng = np.random.default_rng(0)
    parts = {f"{part}_images": rng.integers(0, 256, (4, 28, 28), np.uint8) for part in ("train", "val", "test")}
    np.savez(file, **parts, **{f"{part}_labels": np.array([[0], [1], [0], [1]]) for part in ("train", "val", "test")})
    return file.read_bytes()


def test_a_file_of_medmnist_comes_from_the_address_its_package_gives_and_is_checked(served, medmnist_file, monkeypatch, tmp_path):
    from medmnist import info

    monkeypatch.setattr(info, "DEFAULT_ROOT", str(tmp_path / "none"))
    served.content = medmnist_file
    known = info.INFO["pneumoniamnist"]
    monkeypatch.setitem(known, "url_64", served.url)
    with pytest.raises(DownloadFailed, match="md5"):
        sources.fetch("pneumoniamnist-64")
    monkeypatch.setitem(known, "MD5_64", hashlib.md5(medmnist_file).hexdigest())
    path = sources.fetch("pneumoniamnist-64")
    assert path.name == "pneumoniamnist_64.npz"
    assert path.read_bytes() == medmnist_file


def test_a_file_that_medmnist_has_already_is_taken_where_it_is_unless_it_is_another(served, medmnist_file, monkeypatch, tmp_path):
    from medmnist import info

    own = tmp_path / "pneumoniamnist.npz"
    own.write_bytes(medmnist_file)
    monkeypatch.setattr(info, "DEFAULT_ROOT", str(tmp_path))
    monkeypatch.setitem(info.INFO["pneumoniamnist"], "MD5", hashlib.md5(medmnist_file).hexdigest())
    monkeypatch.setitem(info.INFO["pneumoniamnist"], "url", served.url)
    assert sources.fetch("pneumoniamnist") == own
    assert served.asked == []
    own.write_bytes(b"damaged")
    served.content = medmnist_file
    assert sources.fetch("pneumoniamnist") != own
    assert len(served.asked) == 1


def test_a_record_of_a_download_that_is_damaged_or_gone_counts_as_none(artifacts, tmp_path):
    note = artifacts / "downloads" / "darkcovidnet" / "fetched.json"
    note.parent.mkdir(parents=True)
    for content in ("{", json.dumps({"path": str(tmp_path / "gone")}), "{}"):
        note.write_text(content)
        assert sources.fetched("darkcovidnet") is None
