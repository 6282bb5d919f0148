"""One file over HTTP: whole or not at all, against a real server on this machine."""

from __future__ import annotations

import errno
import hashlib
import shutil
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.data.sources import transfer
from core.data.sources.transfer import DownloadFailed, download

MANUAL = "Or download it by hand from here, and import the folder."


class Stopped(Exception):
    """Raised by a progress that is told to stop."""


def stop_after(amount):
    def progress(done, _total):
        if done >= amount:
            raise Stopped

    return progress


def test_a_file_arrives_whole_and_nothing_is_left_beside_it(served, tmp_path):
    seen = []
    target = download(served.url, tmp_path / "new" / "set.zip", lambda *step: seen.append(step))
    assert target.read_bytes() == served.content
    assert [file.name for file in target.parent.iterdir()] == ["set.zip"]
    assert seen == sorted(seen)
    assert seen[-1] == (len(served.content), len(served.content))


def test_a_file_that_is_there_is_not_asked_for(served, tmp_path):
    (tmp_path / "set.zip").write_bytes(b"here already")
    assert download(served.url, tmp_path / "set.zip").read_bytes() == b"here already"
    assert served.asked == []


def test_what_was_stopped_goes_on_where_it_was(served, tmp_path):
    target = tmp_path / "set.zip"
    with pytest.raises(Stopped):
        download(served.url, target, stop_after(500_000))
    had = (tmp_path / "set.zip.part").stat().st_size
    assert not target.exists()
    assert 500_000 <= had < len(served.content)
    seen = []
    download(served.url, target, lambda done, _: seen.append(done))
    assert served.asked == ["", f"bytes={had}-"]
    assert seen[0] > had
    assert target.read_bytes() == served.content


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": '"another"'}, {"etag": "", "ranges": False}])
def test_a_server_that_cannot_go_on_or_has_another_file_starts_anew(change, served, tmp_path):
    with pytest.raises(Stopped):
        download(served.url, tmp_path / "set.zip", stop_after(500_000))
    vars(served).update(change, content=served.content[::-1])
    assert download(served.url, tmp_path / "set.zip").read_bytes() == served.content


def test_a_part_of_unknown_origin_is_not_gone_on_with(served, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(b"from somewhere")
    assert download(served.url, tmp_path / "set.zip").read_bytes() == served.content
    assert served.asked == [""]


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 300_000), min_size=1, max_size=4))
def test_a_connection_that_breaks_is_taken_up_again(cuts, served, tmp_path_factory):
    served.cuts = list(cuts)
    assert download(served.url, tmp_path_factory.mktemp("cut") / "set.zip").read_bytes() == served.content


def test_a_connection_that_keeps_breaking_ends_with_the_address_and_the_way_by_hand(served, tmp_path):
    served.cuts = [0] * 50
    with pytest.raises(DownloadFailed, match="connection that holds") as caught:
        download(served.url, tmp_path / "set.zip", manual=MANUAL)
    assert served.url in str(caught.value)
    assert MANUAL in str(caught.value)
    assert len(served.asked) == transfer.ATTEMPTS


def test_a_part_that_is_whole_already_is_only_checked(served, tmp_path):
    part = tmp_path / "set.zip.part"
    part.write_bytes(served.content)
    part.with_name("set.zip.part.json").write_text('{"mark": "\\"one\\""}')
    assert download(served.url, tmp_path / "set.zip").read_bytes() == served.content


def test_a_file_without_a_stated_length_arrives_and_its_sum_is_0(served, tmp_path):
    served.says_length = False
    totals = set()
    assert download(served.url, tmp_path / "set.zip", lambda _, total: totals.add(total)).read_bytes() == served.content
    assert totals == {0}


@pytest.mark.parametrize(
    "published", [{"size": 17}, {"md5": "0" * 32}, {"sha256": "0" * 64}], ids=["another size", "another md5", "another sha256"]
)
def test_what_is_not_the_published_file_is_refused_and_removed(published, served, tmp_path):
    with pytest.raises(DownloadFailed, match="what was published") as caught:
        download(served.url, tmp_path / "set.zip", manual=MANUAL, **published)
    assert str(next(iter(published.values()))) in str(caught.value)
    assert MANUAL in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_published_size_and_hashes_are_accepted_in_either_case(served, tmp_path):
    digest = hashlib.sha256(served.content).hexdigest().upper()
    md5 = hashlib.md5(served.content).hexdigest()
    assert download(served.url, tmp_path / "set.zip", size=len(served.content), sha256=digest, md5=md5).is_file()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_told_of_at_once(status, served, tmp_path):
    served.status = status
    with pytest.raises(DownloadFailed, match=str(status)) as caught:
        download(served.url, tmp_path / "set.zip", manual=MANUAL)
    assert served.url in str(caught.value)
    assert MANUAL in str(caught.value)
    assert len(served.asked) == 1


def test_a_server_in_trouble_is_asked_again(served, tmp_path):
    served.status = 503
    with pytest.raises(DownloadFailed, match="503"):
        download(served.url, tmp_path / "set.zip")
    assert len(served.asked) == transfer.ATTEMPTS


def test_no_connection_is_told_of_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE", 0)
    with pytest.raises(DownloadFailed, match="Connection refused"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip")


def test_no_room_is_noticed_before_it_runs_out(served, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    with pytest.raises(DownloadFailed, match="must have room") as caught:
        download(served.url, tmp_path / "set.zip", manual=MANUAL)
    assert served.url in str(caught.value)
    assert not (tmp_path / "set.zip").exists()


def test_no_room_when_it_runs_out_keeps_what_came(served, tmp_path):
    def full(done, _total):
        if done > 600_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DownloadFailed, match="Make room and try again; it goes on where it stopped"):
        download(served.url, tmp_path / "set.zip", full)
    assert (tmp_path / "set.zip.part").stat().st_size > 600_000
    assert download(served.url, tmp_path / "set.zip").read_bytes() == served.content
