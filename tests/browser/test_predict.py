"""Uploading in a real browser: a DICOM file and a 16-bit picture are answered; a photo meets the guard rail."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from core.data import images, library, phantom
from core.recipes import fitting
from core.runs import store
from core.training import worker
from tests.browser.acts import choose


@pytest.fixture
def run(server, monkeypatch: pytest.MonkeyPatch) -> store.Run:
    """A run on a small phantom, large enough for uploads to be compared with its training images."""
    monkeypatch.setenv("CXRLAB_ARTIFACTS", str(server.artifacts))
    folder = server.artifacts / "datasets" / "phantom" / "images"
    phantom.write(folder, per_class=80, size=96)
    library.import_folder(folder, "phantom", synthetic=True)
    draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 64, "epochs": 2})
    made = store.create(fitting.fit(draft, library.open_dataset("phantom"))[0])
    worker.run(made)
    assert made.reference.is_file()
    return made


def test_a_dicom_a_16_bit_picture_and_a_photo(page: Page, server, run: store.Run, tmp_path: Path):
    root = library.open_dataset("phantom").root
    test_images = run.predictions().query("split == 'test'")["sample_id"].tolist()
    greys = [images.read(root / sample).pixels for sample in test_images[:2]]
    (tmp_path / "scan.dcm").write_bytes(dicom(greys[0]))
    Image.fromarray(greys[1].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "photo.jpg")

    page.goto(f"{server.url}/predict?run={run.id}")
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    files = [tmp_path / name for name in ("scan.dcm", "deep.png", "photo.jpg")]
    page.locator("input[type=file]").set_input_files(files)

    expect(page.get_by_role("heading", name="Answer: ")).to_be_visible()
    expect(page.locator("[data-testid=stImage] img").first).to_be_visible()
    choose(page, "^(Selected .*)?Image", "deep.png")
    expect(page.get_by_role("heading", name="Answer: ")).to_be_visible()

    choose(page, "^(Selected .*)?Image", "photo.jpg")
    expect(page.get_by_text("The answer is withheld")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="The picture has colours")).to_be_visible()
    expect(page.get_by_role("heading", name="Answer: ")).to_have_count(0)
    page.get_by_text("Show anyway").click()
    expect(page.get_by_role("heading", name="Answer: ")).to_be_visible()


def dicom(pixels: np.ndarray) -> bytes:
    """A picture as an uncompressed DICOM file."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
