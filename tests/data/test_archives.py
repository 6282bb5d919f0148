"""Archives: all of what an import can use is written, or nothing; what is dangerous or left out is named."""

from __future__ import annotations

import errno
import io
import random
import shutil
import stat
import struct
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data import archives
from core.data.archives import unpack
from core.errors import UnusableData

NOISE = random.Random(0).randbytes(3000)


def zipped(*names: str, data: bytes = NOISE, compression: int = zipfile.ZIP_DEFLATED, mode: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, compression)
    return stream.getvalue()


def refused(packed: bytes, folder: Path) -> str:
    """Why; and nothing stands on the disk then."""
    with pytest.raises(UnusableData) as caught:
        unpack(packed, folder / "set")
    assert list(folder.iterdir()) == []
    return str(caught.value)


def test_images_and_tables_are_written_whole_and_the_rest_is_named(tmp_path: Path) -> None:
    packed = zipped("a/1.png", "a\\2.JPG", "metadata.csv", "read me.txt", "run.exe", "__MACOSX/._1.png", "a/.hidden.png", "b/")
    found = unpack(packed, tmp_path / "set")
    assert found.files == 3
    assert dict(found.left_out) == dict.fromkeys(("read me.txt", "run.exe"), "is neither an image nor a table")
    files = {path.relative_to(tmp_path / "set").as_posix(): path.read_bytes() for path in (tmp_path / "set").rglob("*") if path.is_file()}
    assert files == dict.fromkeys(("a/1.png", "a/2.JPG", "metadata.csv"), NOISE)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_file_whose_damaged_name_is_empty_is_left_out(tmp_path: Path) -> None:
    found = unpack(zipped("1.png", "?.png").replace(b"?.png", b"\0.png"), tmp_path / "set")
    assert (found.files, dict(found.left_out)) == (1, {"": "is neither an image nor a table"})


@pytest.mark.parametrize("source", ["path", "stream"])
def test_an_archive_is_a_path_or_a_stream_too(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.zip").write_bytes(zipped("1.png"))
    with open(tmp_path / "a.zip", "rb") as stream:
        unpack(tmp_path / "a.zip" if source == "path" else stream, tmp_path / "set")
    assert (tmp_path / "set" / "1.png").read_bytes() == NOISE


@pytest.mark.parametrize("name", ["../1.png", "a/../../1.png", "/etc/1.png", "..\\1.png", "C:\\1.png", "C:1.png"])
def test_a_path_that_leads_out_refuses_the_whole_archive_by_name(tmp_path: Path, name: str) -> None:
    assert f"{name}, which points elsewhere" in refused(zipped("good.png", name), tmp_path)


def test_all_that_is_dangerous_is_named_at_once(tmp_path: Path) -> None:
    message = refused(zipped("ok.png", *(f"../{number}.png" for number in range(15))), tmp_path)
    assert message.count("which points elsewhere") == archives.MAX_SHOWN
    assert "5 more files" in message


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO])
def test_links_and_devices_are_never_written(tmp_path: Path, kind: int) -> None:
    assert "holds at least one image" in refused(zipped("link.png", data=b"/etc/passwd", mode=kind | 0o777), tmp_path)


def test_links_archives_and_names_with_markup_are_left_out_by_name(tmp_path: Path) -> None:
    found = unpack(zipped("ok.png", "in.zip", "more.tar.gz", "<b>1</b>.png", "a\nb\x1b.png", "x" * 300 + ".png"), tmp_path / "set")
    reasons = dict(found.left_out)
    assert found.files == 1
    assert [name for name, reason in reasons.items() if "archive within" in reason] == ["in.zip", "more.tar.gz"]
    assert [name for name, reason in reasons.items() if "markup" in reason] == ["<b>1</b>.png", "a?b?.png"]
    assert [reason for name, reason in reasons.items() if name.startswith("…")] == ["its name is too long"]


def test_names_that_differ_in_case_only_are_refused_together(tmp_path: Path) -> None:
    message = refused(zipped("a/ok.png", "a/É.png", "A/e\u0301.png"), tmp_path)
    assert message.count("which stands there more than once") == 2
    assert "ok.png" not in message


def test_a_password_is_said_to_be_one(tmp_path: Path) -> None:
    data = bytearray(zipped("1.png"))
    data[6] |= 1  # the flag in front of the file
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the list at the end
    assert "1.png, which is encrypted" in refused(bytes(data), tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(tmp_path: Path, compression: int) -> None:
    assert "packed in another way" in refused(zipped("1.png", compression=compression), tmp_path)


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    assert "at most 200 times its size" in refused(zipped("bomb.png", data=bytes(20 * 2**20)), tmp_path)
    stream = io.BytesIO(zipped("noise.png", data=random.Random(0).randbytes(2**20)))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("bomb.png", bytes(20 * 2**20), zipfile.ZIP_DEFLATED)
    assert "bomb.png, which claims" in refused(stream.getvalue(), tmp_path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped("bomb.png", data=bytes(20 * 2**20)))
    for head, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(head) + offset, 1000)
    assert "bomb.png, which is damaged" in refused(bytes(data), tmp_path)


@pytest.mark.parametrize(("limit", "value", "message"), [
    ("MAX_FILES", 2, "at most 2 files"), ("MAX_UNPACKED", 8999, "GiB together"), ("MAX_LIST", 100, "which holds more"),
    ("MAX_BYTES", 2999, "at most 0 MiB"),
])  # fmt: skip
def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str) -> None:
    monkeypatch.setattr(archives, limit, value)
    assert message in refused(zipped("1.png", "2.png", "3.png"), tmp_path)


def test_a_full_disk_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10_000, 9_000, 2_999))
    monkeypatch.setattr(archives, "_write", lambda *_: pytest.fail("written"))
    message = refused(zipped("1.png"), tmp_path)
    assert "must fit on the disk" in message
    assert "for 3 kB free in" in message
    assert ".tmp" not in message  # the folder it is unpacked to is gone by then


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(_source: object, file: io.BufferedWriter, _length: int) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", copy)
    assert "a disk that filled up" in refused(zipped("1.png"), tmp_path)


def test_a_stopped_unpacking_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total == 3
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(zipped("1.png", "2.png", "3.png"), tmp_path / "set", stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.png").write_bytes(b"mine")
    with pytest.raises(UnusableData, match="to a new folder"):
        unpack(zipped("1.png"), tmp_path / "set")
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "mine.png"]


@pytest.mark.parametrize("data", [b"", b"no zip", zipped("1.png")[:80], zipped()], ids=["nothing", "a word", "cut off", "empty"])
def test_what_is_no_archive_or_an_empty_one_is_refused(tmp_path: Path, data: bytes) -> None:
    refused(data, tmp_path)


def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path) -> None:
    refused(zipped("a.png", "a.png/b.png"), tmp_path)


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_unpacked_or_refused_and_never_half(tmp_path: Path, seed: int) -> None:
    rng, folder = random.Random(seed), tmp_path / str(seed) / "set"
    data = bytearray(zipped("covid/1.png", "2.png", "3.csv"))
    for _ in range(rng.randrange(1, 8)):
        data[rng.choice((rng.randrange(len(data)), -1 - rng.randrange(250)))] = rng.randrange(256)
    try:
        unpack(bytes(data), folder)
    except UnusableData:
        assert not folder.parent.exists() or not list(folder.parent.iterdir())
    else:
        assert all(path.stat().st_size == len(NOISE) for path in folder.rglob("*") if path.is_file())
