"""What is seen of a training from outside."""

import json
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks.load.samples import Watch, held
from benchmarks.load.server import Server


def test_an_epoch_is_noted_once_and_only_when_its_line_is_whole(tmp_path: Path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    watch = Watch(Server("127.0.0.1:1", psutil.Process(), tmp_path, tmp_path / "log"), "one")
    watch.look_at_training()
    step, epoch = (json.dumps({"kind": kind}) for kind in ("step", "epoch"))
    (folder / "metrics.jsonl").write_text(f"{step}\n{epoch}\n{epoch[:5]}")
    watch.look_at_training()
    assert len(watch.epoch_ends) == 1
    with open(folder / "metrics.jsonl", "a") as file:
        file.write(f"{epoch[5:]}\n{step}\n")
    watch.look_at_training()
    watch.look_at_training()
    assert len(watch.epoch_ends) == 2


def test_a_sample_has_the_app_and_the_trainer_and_memory_that_is_held(tmp_path: Path):
    me = psutil.Process()
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text(json.dumps({"process": {"pid": me.pid}}))
    watch = Watch(Server("127.0.0.1:1", me, tmp_path, tmp_path / "log"), "one")
    watch.sample()
    (sample,) = watch.samples
    assert set(sample.cpu) >= {"app", "trainer", "visitors"}
    assert 10**7 < sample.memory <= me.memory_info().rss * 1.1
    assert held(me) > 10**7


def test_a_browser_that_ends_while_it_is_looked_at_ends_no_measurement(tmp_path: Path, monkeypatch):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text("{}")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        ended = psutil.Process(child.pid)
        child.kill()
    monkeypatch.setattr(psutil.Process, "children", lambda *_, **__: [ended])
    watch = Watch(Server("127.0.0.1:1", psutil.Process(), tmp_path, tmp_path / "log"), "one")
    watch.sample()
    assert "browsers" not in watch.samples[0].cpu
