"""The written table, from invented results."""

import json

import pytest

from benchmarks import accuracy, memory, processes, report
from benchmarks.training import passes
from benchmarks.training.passes import Pass
from core.data import duplicates, images, signatures
from core.errors import CoreError

MACHINE = {
    "processor": "P", "cores": 2, "gpu": None, "memory": 2**34, "system": "S", "python": "3.11", "versions": {"torch": "2"}, "date": "D",
}  # fmt: skip


def training(walls, **changes):
    items = [Pass(name, 0, wall, wall, 10**9, 0.1) for name, wall in walls.items()]
    work = {"work": "resnet18-png", "title": "ResNet-18", "model": "resnet18", "aims": {"timm": 2.2}, "frozen": False, "epochs": 3}
    work |= {"batch_size": 32, "image_size": 224, "left_out": {}, "classes": 4, "train": 810, "validation": 202, "test": 112}
    work |= {"multiply_adds": 10**6, "passes": [passes.to_json(item) for item in items]} | changes
    peaks = {"fp32": 1e12, "bf16": 2e12}
    return {"kind": "training", "machine": MACHINE, "device": "cpu", "peaks": peaks, "works": [work]}


def test_a_ratio_stands_in_the_table_beside_its_aim():
    text = report.markdown([training({"ours": 10.0, "timm": 25.0})])
    assert "2.50 (2.50–2.50) | ≥ 2.2" in text
    assert "batch size 32; 1 repeat**" in text


def test_no_share_of_the_peak_is_reckoned_for_a_frozen_trunk_which_runs_without_its_backward_pass():
    walls = {"ours": 10.0, "timm": 25.0}
    assert " 16%" in report.console(training(walls, multiply_adds=10**8))
    assert "%" not in report.console(training(walls, multiply_adds=10**8, frozen=True))


def test_what_was_not_measured_is_called_so():
    text = report.markdown([training({"ours": 10.0, "timm": 25.0})])
    assert "NASNet-A Large at 331**: not measured" in text
    assert "### On a GPU\n\n<!-- resnet18-png cuda -->\n**ResNet-18 at 224, PNGs of 1,024 px, from scratch**: not measured." in text


def test_a_later_result_of_the_same_work_replaces_the_earlier_one():
    text = report.markdown([training({"ours": 10.0, "timm": 25.0}), training({"ours": 10.0, "timm": 50.0})])
    assert "5.00 (" in text
    assert "2.50 (" not in text


def test_rows_that_were_not_measured_again_stay_as_they_were_on_their_own_machine():
    feed = {"work": "feed-cnn22", "ratios": [0.97], "aim": 0.95, "failure": ""}
    elsewhere = training({}) | {"machine": MACHINE | {"processor": "Q", "date": "E"}, "works": [feed]}
    before = report.markdown([training({"ours": 10.0, "timm": 25.0})])
    after = report.markdown([elsewhere], before)
    assert "2.50 (2.50–2.50) | ≥ 2.2" in after
    assert "Measured D on P" in after
    assert "0.970 (0.970–0.970), aim 0.95.\n\n- Measured E on Q" in after
    assert "ResNet-18; 810" not in after.split("### On a GPU")[1]


def test_between_two_runs_of_a_feed_the_median_is_their_middle_not_the_larger():
    feed = {"work": "feed-cnn22", "ratios": [0.96, 0.90], "aim": 0.95, "failure": ""}
    assert "0.930 (0.900–0.960), aim 0.95." in report.markdown([training({}) | {"works": [feed]}])


def test_a_row_measured_again_replaces_the_one_of_the_table():
    before = report.markdown([training({"ours": 10.0, "timm": 25.0})])
    assert "2.50 (" not in report.markdown([training({"ours": 10.0, "timm": 50.0})], before)


def test_memory_on_a_gpu_stands_beside_that_of_the_processor():
    result = {"kind": "memory", "machine": MACHINE, "device": "cpu", "model": "small-cnn", "images": 9, "size": 32, "seconds": 1.0}
    result |= {"beyond": 2**30, "cache": 2**20}
    before = report.markdown([result])
    assert "On the processor: small-cnn on 9 images of 32 px: 1.00 GiB" in before
    assert "On a GPU: small-cnn" not in before
    after = report.markdown([result | {"device": "cuda:0", "beyond": 2**31}], before)
    assert "On the processor: small-cnn on 9 images of 32 px: 1.00 GiB" in after
    assert "On a GPU: small-cnn on 9 images of 32 px: 2.00 GiB" in after


def test_written_again_without_results_the_table_is_the_same():
    text = (processes.ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    assert report.markdown([], text) == text


def test_who_did_not_start_is_named_with_the_reason():
    failed = Pass("fastai", 0, 1.0, 1.0, 1, 0.1, failure="exit status 1: no fastai")
    result = training({"ours": 10.0}, left_out={"timm": "not given"})
    result["works"][0]["passes"].append(passes.to_json(failed))
    text = report.markdown([result])
    assert "timm train.py, default did not take part: not given." in text
    assert "fastai, default failed: exit status 1: no fastai." in text


def test_disturbed_passes_are_listed():
    result = training({"ours": 10.0, "timm": 25.0})
    result["works"][0]["passes"][1]["disturbed"] = True
    assert "Disturbed: timm train.py, default, repeat 1, 25.0 s with a control of 100 ms." in report.markdown([result])


def test_the_console_shows_the_same_figures():
    assert "2.50 (2.50–2.50)" in report.console(training({"ours": 10.0, "timm": 25.0}))


def test_a_file_that_is_no_result_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"kind": "poem"}))
    with pytest.raises(CoreError, match="known kind"):
        report.read(path)


def test_the_paired_interval_is_students():
    found = accuracy.paired([0.5, 0.7, 0.6], [0.4, 0.5, 0.6])
    assert found.mean == pytest.approx(0.1)
    assert found.high - found.mean == pytest.approx(4.302653 * 0.1 / 3**0.5, rel=1e-5)  # t of 2 degrees of freedom, spread 0.1


def test_equal_accuracies_have_no_difference_and_no_width():
    assert accuracy.paired([0.5, 0.7], [0.5, 0.7]) == accuracy.Difference(0.0, 0.0, 0.0)


def test_one_seed_gives_no_interval():
    with pytest.raises(CoreError, match="two seeds"):
        accuracy.paired([0.5], [0.4])


def test_the_mapped_cache_is_told_from_other_memory(tmp_path):
    lines = [
        "7f00-7f10 r--s 00000000 08:01 5 /x/cache/abc-224.npy", "Size: 99 kB", "Rss: 40 kB",
        "7f20-7f30 rw-p 00000000 00:00 0 ", "Rss: 10 kB", "Pss: 10 kB",
        "7f40-7f50 r-xp 00000000 08:01 6 /x/cache-like/lib.so", "Rss: 1 kB",
    ]  # fmt: skip
    found = memory.sampled(lines, tmp_path.__class__("/x/cache"))
    assert (found.resident, found.cache, found.beyond) == (51 * 1024, 40 * 1024, 11 * 1024)


def test_no_image_of_the_memory_benchmark_is_a_copy_of_another(tmp_path):
    memory.draw(tmp_path, 10, 64, lambda _: None)
    pictures = [signatures.of(images.read(path).pixels) for path in sorted(tmp_path.rglob("*.png"))]
    assert len(pictures) == 10
    assert not len(duplicates.find(signatures.Signatures.of(pictures)).ties)
