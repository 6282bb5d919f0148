"""Event files hold what the run's metrics hold, and say nothing of this machine."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import CoreError
from core.report import tensorboard
from core.runs.store import Run


def events(path: Path) -> Iterator[Any]:
    """The events of a file of TFRecords: length, its checksum, content, its checksum."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        record, check = content[12 : 12 + length], content[12 + length : 16 + length]
        assert struct.unpack("<I", check) == (masked_crc32c(record),)
        yield Event.FromString(record)
        content = content[16 + length :]


def scalars(path: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events(path):
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, pytest.approx(value.simple_value)))
    return found


def test_every_finite_value_of_the_metrics_stands_in_the_file(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run()
    (path,) = tensorboard.export([run], tmp_path / "events")
    assert path.parent == tmp_path / "events" / run.id
    found = scalars(path)
    epochs = [row for row in run.metrics() if row["kind"] == "epoch"]
    for tag, field in (("loss/train", "train_loss"), ("loss/validation", "validation_loss"), ("learning_rate/epoch", "lr"),
                       ("accuracy/train", "train_accuracy"), ("accuracy/validation", "validation_accuracy")):  # fmt: skip
        assert found[tag] == [(row["epoch"], row[field]) for row in epochs if row[field] is not None]
    assert found["loss/batch"] == [(2, 0.5), (4, 0.25), (6, 0.25)]  # the last batch's loss was not finite
    assert [step for step, _ in found["learning_rate/step"]] == [2, 4, 6, 8]
    assert found["test/accuracy"] == [(1, 0.75)]


def test_the_recipe_stands_among_the_hyperparameters(make_run: Callable[..., Run], tmp_path: Path) -> None:
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

    (path,) = tensorboard.export([make_run(seed=7)], tmp_path)
    values = {value.tag: value for event in events(path) for value in event.summary.value}
    content = HParamsPluginData.FromString(values["_hparams_/session_start_info"].metadata.plugin_data.content)
    given = content.session_start_info.hparams
    assert (given["seed"].number_value, given["model"].string_value, given["frozen"].bool_value) == (7, "resnet18", False)
    assert b'"seed": 7' in values["recipe/text_summary"].tensor.string_val[0]


def test_exporting_again_replaces_what_was_there(make_run: Callable[..., Run], tmp_path: Path) -> None:
    runs = [make_run(), make_run(finished=False)]
    first = tensorboard.export(runs, tmp_path)
    contents = [path.read_bytes() for path in first]
    assert tensorboard.export(runs, tmp_path) == first
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file() and "artifacts" not in path.parts) == sorted(first)
    assert [len(path.read_bytes()) for path in first] == [len(content) for content in contents]


def test_a_run_that_never_trained_has_its_recipe_alone(make_run: Callable[..., Run], tmp_path: Path) -> None:
    (path,) = tensorboard.export([make_run(finished=False)], tmp_path)
    assert scalars(path) == {}


def test_files_name_no_folder_of_this_machine(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(**{"weights": {"source": "file", "place": "/home/me/secret/first.pt"}})
    (path,) = tensorboard.export([run], tmp_path)
    assert b"first.pt" in path.read_bytes()
    assert b"/home/me" not in path.read_bytes()


def test_a_place_that_cannot_be_written_is_named(make_run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CoreError, match="into a folder"):
        tensorboard.export([make_run()], tmp_path / "file")
