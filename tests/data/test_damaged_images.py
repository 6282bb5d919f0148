"""A thousand damaged files of every format: no crash, no hang, no memory without bound. They are read in a process with limits."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.data import images
from core.errors import UnreadableImage
from tests.data.dicom_files import SYNTAXES, dicom

ROOT = Path(__file__).resolve().parents[2]
FILES = 1000
MEMORY = 2**29  # bytes beyond what the interpreter takes to read files that are whole
SECONDS = 2.0  # of the processor, for one file
GREY = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8) * 3
COLOUR = np.dstack([GREY, GREY[::-1], GREY[:, ::-1]])


def whole_files() -> dict[str, bytes]:
    """A small file of every format, depth and compression, by name."""
    deep = GREY.astype(np.uint16) * 19
    files = {f"dicom {name}": dicom(GREY, name) for name in SYNTAXES}
    files |= {f"dicom {name}, deep": dicom(deep, name) for name, kind in SYNTAXES.items() if 12 in kind.depths}
    coloured = ("explicit", "JPEG baseline", "JPEG lossless SV1", "JPEG-LS", "JPEG 2000")
    files |= {f"dicom {name}, coloured": dicom(COLOUR, name) for name in coloured}
    pictures = {"L": GREY, "RGB": COLOUR, "I;16": deep}
    kinds = {"PNG": pictures, "TIFF": pictures, "JPEG": ("L", "RGB"), "WEBP": ("L", "RGB"), "BMP": ("L", "RGB"), "GIF": ("L",)}
    for kind, modes in kinds.items():
        files |= {f"{kind} {mode}": encoded(Image.fromarray(pictures[mode]), kind) for mode in modes}
    packings = ("tiff_lzw", "tiff_deflate", "jpeg", "packbits")
    files |= {f"TIFF {packing}": encoded(Image.fromarray(GREY), "TIFF", compression=packing) for packing in packings}
    files["JPEG progressive"] = encoded(Image.fromarray(COLOUR), "JPEG", progressive=True)
    files["JPEG CMYK"] = encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")
    files["WEBP lossless"] = encoded(Image.fromarray(COLOUR), "WEBP", lossless=True)
    files["PNG palette"] = encoded(Image.fromarray(GREY).convert("P"), "PNG")
    return files


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def damaged(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """`data` cut, with a piece missing or put in, with the head of `other`, or with bytes or bits changed, more often near the start."""
    where, length = rng.randrange(len(data)), rng.randrange(1, 60)
    match rng.randrange(8):
        case 0:
            return data[:where]
        case 1:
            return data[:where] + data[where + length :]
        case 2:
            return data[:where] + rng.randbytes(length) + data[where:]
        case 3:
            return other[:where] + data[where:]
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        place = int(rng.random() ** rng.choice((1, 3)) * len(data))
        changed[place] = rng.choice((changed[place] ^ 1 << rng.randrange(8), 0, 255, rng.randrange(256)))
    return bytes(changed)


def read_damaged(seeds: range) -> Iterator[dict[str, object]]:
    """Read one damaged file a seed; each outcome says what it was, whether it was read, and how long the processor took."""
    files = whole_files()
    names = list(files)
    for name in names:  # undamaged first: what is imported and allocated once does not count
        images.read(files[name])
    for seed in seeds:
        rng = random.Random(seed)
        name = names[seed % len(names)]
        data = damaged(files[name], files[rng.choice(names)], rng)
        start = time.process_time()
        try:
            xray = images.read(data, "a.dcm" if name.startswith("dicom") else "")
            assert xray.pixels.dtype == np.uint8
            assert xray.pixels.ndim == 2
        except UnreadableImage:
            xray = None
        yield {"seed": seed, "file": name, "was read": xray is not None, "seconds": time.process_time() - start}


def main() -> None:
    """What the child does: a line of JSON a file, then one with the memory."""
    import resource  # not everywhere

    warnings.simplefilter("ignore")
    before = None
    for outcome in read_damaged(range(FILES)):
        if before is None:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            taken = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()  # the last line names the file before one that ends the process
    sys.stdout.write(json.dumps({"kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before}))


def test_a_thousand_damaged_files_are_read_or_refused_within_limits() -> None:
    pytest.importorskip("resource", reason="memory is limited where the system can")
    command = [sys.executable, "-c", f"import {__name__} as this; this.main()"]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    *outcomes, memory = [json.loads(line) for line in child.stdout.splitlines()] or [None]
    assert child.returncode == 0, f"after {outcomes[-1:]}: {child.stderr[-2000:]}"
    assert len(outcomes) == FILES
    assert memory["kilobytes"] < MEMORY / 2**10
    assert not [outcome for outcome in outcomes if outcome["seconds"] > SECONDS]
    unread = {outcome["file"] for outcome in outcomes if not outcome["was read"]}
    assert len(unread) > 50, "the damage hardly shows"
