"""What somebody hostile would try: names, archives, weights, links, sizes, secrets. Each is refused, and nothing of it runs or is shown."""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import access, owners
from core.access import LOCAL
from core.data import library, uploads
from core.errors import BeyondLimit, CoreError, InvalidSpec, UnknownName, UnusableData, UnusableWeights
from core.jobs.launchers import local
from core.models import weights
from core.recipes import catalogue, fitting
from core.recipes.recipe import Recipe
from core.report import html
from core.runs import index, store
from core.shortcuts import sets
from core.training import worker
from tests.people import ADMIN, OPERATOR, OTHER, SIGNING_IN

ROOT = Path(__file__).resolve().parents[1]
MARKUP = "<script>alert(1)</script>"
LINK = "![x](http://tracker.example/x.png)"
IDS = ("../../etc/passwd", "..", ".", "/etc/passwd", "a/../../b", "..\\..\\b", "%2e%2e%2f", "a\0b", "", " ", "*", "a" * 4000, "‮gnp.exe")


@pytest.fixture
def draft() -> Recipe:
    return fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 1, "batch_size": 8})


@pytest.fixture
def run(make_folder, draft) -> store.Run:
    """A finished run."""
    made = store.create(fitting.fit(draft, library.open_dataset(str(make_folder({"a": 15, "b": 15}, patients=2))))[0])
    worker.run(made)
    return made


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((24, 24), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def archive(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def shown(app: AppTest) -> str:
    """Everything that a page hands to Markdown."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def opened(page: str, parameters: dict[str, str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update(parameters)
    app.run()
    app.switch_page(page)
    app.run()
    assert not app.exception, app.exception
    return app


class Payload:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".tar", ".pkl", ".safetensors"])
@pytest.mark.parametrize("write", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_code_in_weights_does_not_run(tmp_path, suffix, write):
    trace, file = tmp_path / "trace", tmp_path / f"weights{suffix}"
    with open(file, "wb") as stream:
        write({"state_dict": Payload(trace)}, stream)
    with pytest.raises(UnusableWeights):
        weights.read(file)
    assert not trace.exists()


def test_code_in_a_checkpoint_does_not_run(run, tmp_path, caplog):
    trace = tmp_path / "trace"
    shutil.rmtree(run.folder / "checkpoint", ignore_errors=True)
    (run.folder / "checkpoint").mkdir()
    torch.save(Payload(trace), run.folder / "checkpoint" / "state.pt")
    assert run.checkpoint() is None
    assert "state.pt, which is damaged" in caplog.text
    assert not trace.exists()


def test_code_in_a_numpy_file_of_an_import_does_not_run(tmp_path):
    trace, file = tmp_path / "trace", tmp_path / "set.npz"
    names = [f"{part}_{kind}" for part in ("train", "val", "test") for kind in ("images", "labels")]
    np.savez(file, **{name: np.array([Payload(trace)], dtype=object) for name in names})
    with pytest.raises(CoreError):
        library.import_zip(file, "set")
    assert not trace.exists()


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "script.js", "program.py", "page.png.html", f"{MARKUP}.html"])
def test_files_that_browsers_run_are_no_images(name):
    body = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    (upload,) = uploads.received([(name, body)])
    assert upload.outcome().rule


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg", "picture.dcm"])
def test_a_page_that_is_called_an_image_is_none(name):
    (upload,) = uploads.received([(name, b"<html><script>alert(1)</script></html>")])
    assert upload.outcome().rule


def test_a_set_with_pages_and_scripts_keeps_its_images_alone(artifacts):
    files = {f"{label}/{number}.png": png() for label in "ab" for number in range(2)}
    files |= {"a/page.html": b"<script>", "a/picture.svg": b"<svg/>", f"{MARKUP.replace('/', '')}/1.png": png(), "run.py": b"print()"}
    made = library.import_zip(archive(files), "mixed")
    assert made.images == 4
    kept = [path for path in (artifacts / "datasets" / "mixed" / "images").rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".png"}
    assert set(made.classes) == {"a", "b"}


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"])
def test_an_archive_writes_nothing_outside_its_folder(name, artifacts, tmp_path):
    before = {path for path in tmp_path.rglob("*") if artifacts not in path.parents}
    with pytest.raises(UnusableData):
        library.import_zip(archive({"a/1.png": png(), "b/1.png": png(), name: png()}), "slip")
    assert {path for path in tmp_path.rglob("*") if artifacts not in path.parents} - before <= {artifacts}
    assert not library.is_registered("slip")
    assert not list(artifacts.rglob("out.png"))


def test_a_link_in_an_archive_is_not_followed():
    link = zipfile.ZipInfo("a/1.png")
    link.external_attr = 0o120777 << 16
    stream = io.BytesIO(archive({"a/2.png": png(), "b/1.png": png()}))
    with zipfile.ZipFile(stream, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    assert library.import_zip(stream.getvalue(), "linked").images == 2


@pytest.mark.parametrize("take", [lambda data: library.import_zip(data, "bomb"), lambda data: _outcomes(data)], ids=["import", "upload"])
def test_a_bomb_is_refused_before_it_is_unpacked(take, artifacts):
    bomb = archive({"a/1.png": bytes(300 * 2**20), "b/1.png": png()})
    assert len(bomb) < 2**20
    with pytest.raises(CoreError):
        take(bomb)
    assert not [path for path in artifacts.rglob("*") if path.is_file() and path.stat().st_size > 2**20]


def _outcomes(data: bytes) -> None:
    upload = next(each for each in uploads.received([("bomb.zip", data)]) if "a/1" in each.name)
    upload.read()


def test_a_table_in_an_archive_names_no_file_outside_of_it(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png())
    rows = [f"{path},{label}" for path, label in ((secret, "a"), ("../../../secret.png", "a"), ("1.png", "a"), ("2.png", "b"))]
    made = library.import_zip(archive({"metadata.csv": "\n".join(["path,label", *rows]).encode(), "1.png": png(), "2.png": png()}), "named")
    assert made.images == 2


def test_an_upload_over_the_limit_is_refused_in_the_engine(monkeypatch):
    monkeypatch.setenv("CXRLAB_UPLOAD_MB", "1")
    with pytest.raises(BeyondLimit, match="at most 1 MB"):
        uploads.received([("large.png", bytes(2**20 + 1))])
    with pytest.raises(BeyondLimit, match="at most 1 MB"):
        library.import_zip(io.BytesIO(bytes(2**20 + 1)), "large")
    assert len(uploads.received([("small.png", bytes(2**20))])) == 1


def test_an_archive_that_would_use_up_a_persons_room_is_not_unpacked(tmp_path, monkeypatch, artifacts):
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)
    monkeypatch.setenv("CXRLAB_STORAGE_GB", "0.001")
    packed = archive({f"{label}/{number}.png": bytes(89_000) + os.urandom(1_000) for label in "ab" for number in range(12)})
    with access.acting(OPERATOR), pytest.raises(BeyondLimit):
        library.import_zip(packed, "much")
    assert not list(artifacts.rglob("*.png"))


@pytest.mark.parametrize("wanted", IDS)
def test_no_id_leads_out_of_its_folder(wanted, artifacts):
    (artifacts / "runs").mkdir(parents=True)
    (artifacts / "datasets").mkdir()
    (artifacts / "status.json").write_text("{}")  # what ".." would find
    (artifacts / "runs" / "status.json").write_text("{}")
    for find in (store.find, catalogue.get, library.describe):
        with pytest.raises((UnknownName, InvalidSpec)):
            find(wanted)
    assert sets.known(wanted) is None
    assert not library.is_registered(wanted)
    with pytest.raises(InvalidSpec):
        catalogue.save(fitting.draft(recipe="demo"), wanted)
    if wanted:  # an empty name means: its own
        with pytest.raises(InvalidSpec):
            library.import_zip(archive({"a/1.png": png()}), wanted)
    assert not list(artifacts.parent.glob("*.json"))


PARAMETERS = {
    "pages/runs.py": ("run",),
    "pages/predict.py": ("run", "runs", "mode"),
    "pages/explore.py": ("data", "image", "patient", "page", "view"),
    "pages/data_sets.py": ("data", "from", "source"),
    "pages/train.py": ("data", "recipe", "model"),
    "pages/compare.py": ("runs", "by", "sort", "view"),
    "pages/cross_data.py": ("runs",),
    "pages/papers.py": ("paper", "data"),
    "pages/shortcut_lab.py": ("run", "planted", "data", "marker"),
    "pages/heat_maps.py": ("run",),
}


@pytest.mark.parametrize("page", PARAMETERS)
@pytest.mark.parametrize("value", ["../../../../etc/passwd", f"{MARKUP}{LINK}"], ids=["path", "markup"])
def test_no_parameter_of_a_link_leads_out_or_writes_on_the_page(page, value, run):
    assert run.id
    app = opened(page, dict.fromkeys(PARAMETERS[page], value))
    assert "root:" not in shown(app)
    assert LINK not in shown(app)
    assert MARKUP not in shown(app)


@pytest.fixture
def marked(tmp_path: Path, draft: Recipe) -> store.Run:
    """A run on classes whose names are markup."""
    folder, rows = tmp_path / "named", ["path,label"]
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8)).save(folder / f"{number}.png")
        rows.append(f'{number}.png,"{MARKUP if number % 2 else LINK}"')
    (folder / "metadata.csv").write_text("\n".join(rows))
    made = store.create(fitting.fit(draft, library.open_dataset(str(folder)))[0])
    worker.run(made)
    return made


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("pages/runs.py", {}), ("pages/data_sets.py", {"data": "named"}), ("pages/explore.py", {"data": "named"}),
        ("pages/explore.py", {"data": "named", "view": "numbers"}), ("pages/train.py", {"data": "named", "model": "alasfoor-cnn22"}),
        ("pages/compare.py", {}), ("pages/heat_maps.py", {}), ("pages/predict.py", {}),
    ],
)  # fmt: skip
def test_markup_in_names_of_classes_stays_text(page, parameters, marked):
    app = opened(page, parameters or {"run": marked.id})
    assert LINK not in shown(app)
    assert MARKUP not in shown(app)


def test_markup_in_names_of_classes_stays_text_in_the_report(marked):
    page = html.report(marked, (), {})
    page = page.decode() if isinstance(page, bytes) else page
    assert MARKUP not in page


def test_no_page_hands_html_to_the_browser():
    """But for the app's own sheet of styles, in which no data stands."""
    for path in (*(ROOT / "pages").glob("*.py"), ROOT / "app.py"):
        text = path.read_text(encoding="utf-8").replace('st.html(Path(__file__).parent / "pages" / "style.css")', "")
        assert not re.search(r"unsafe_allow_html|components\.v1|st\.html\(|st\.iframe\(|unsafe_allow_javascript", text), path


def test_no_code_reads_pickles_or_evaluates_text():
    for path in (ROOT / "core").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bpickle\.loads?\(|allow_pickle=True|(?<![\w.])eval\(|(?<![\w.])exec\(|shell=True|yaml\.load\(", text), path
        assert all("weights_only=True" in call for call in re.findall(r"torch\.load\([^\n]*", text)), path


def test_a_forged_link_to_a_private_run_does_not_even_say_that_it_is_there(run, tmp_path):
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)
    with access.acting(OPERATOR):
        owners.claim(run.folder, "private")
    with access.acting(OTHER):
        assert index.rows() == []
        with pytest.raises(UnknownName) as there:
            store.find(run.id)
        with pytest.raises(UnknownName) as missing:
            store.find("20200101-000000-gone-0000")
    assert str(there.value).replace(run.id, "") == str(missing.value).replace("20200101-000000-gone-0000", "")
    with access.acting(ADMIN):
        assert store.find(run.id) == run


def test_secrets_stand_in_no_log_no_run_and_no_index(make_folder, draft, tmp_path, artifacts, monkeypatch):
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)
    monkeypatch.setenv("KAGGLE_KEY", "kaggle-key-of-the-tests")
    with access.acting(LOCAL):
        made = store.create(fitting.fit(draft, library.open_dataset(str(make_folder({"a": 15, "b": 15}))))[0])
    with open(made.folder / "log.txt", "ab") as log:
        command = [sys.executable, "-m", "core", "train", "--resume", made.id]
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=True, timeout=300)
    secrets = (b"client-secret-of-the-tests", b"0123456789abcdef0123456789abcdef", b"kaggle-key-of-the-tests")
    for path in artifacts.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content for secret in secrets), path


def test_a_trainer_is_started_without_a_shell_and_by_id_alone(run, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: started.append((command, more)) or SimpleNamespace(pid=0))
    local.Local({"cpu": 1}).start(run, "cpu; touch /tmp/x")
    ((command, more),) = started
    assert command[-2:] == ["--device", "cpu; touch /tmp/x"]
    assert not more.get("shell")
