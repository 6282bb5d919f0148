"""Order, marks and reckoned times of passes; and one real comparison, as small as it can be."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import processes
from benchmarks.training import compare, passes, peers
from benchmarks.training.passes import Comparison, Pass
from benchmarks.training.peers import OURS, Setting
from benchmarks.training.works import WORKS


class FakeClock:
    """Controls as they are given, then the last one for ever."""

    def __init__(self, *seconds):
        self.left = list(seconds)

    def seconds(self):
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def a_pass(name="ours", repeat=0, **changes):
    return Pass(name, repeat, 1.0, 1.0, 1, **{"control": 0.1} | changes)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.integers(0, 9))
def test_every_repeat_has_everybody_once_and_the_next_one_backwards(names, repeat):
    there, back = passes.order(names, 2 * repeat), passes.order(names, 2 * repeat + 1)
    assert sorted(there) == sorted(names)
    assert back == there[::-1]
    assert there == passes.order(names[::-1], 2 * repeat)  # the order of the command line is no matter


def test_a_pass_beside_a_slow_matrix_product_is_marked():
    found = passes.marked([a_pass(control=value) for value in (0.1, 0.114, 0.116, 0.116)])
    assert [item.disturbed for item in found] == [False, False, True, True]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(0, 100), st.floats(0.01, 100), st.integers(1, 50))
def test_reckoned_times_grow_by_the_same_for_every_epoch(start, epoch, epochs):
    measured = [(count, start + count * epoch) for count in (1, 3)]
    assert passes.extrapolated(measured, epochs) == pytest.approx(start + epochs * epoch)


@pytest.fixture
def comparison(monkeypatch, tmp_path):
    """Participants that only claim to run; `fails` names those that do not start."""

    def make(clock, fails=()):
        made = Comparison(WORKS[0], None, Setting(), clock, tmp_path)
        monkeypatch.setattr(made, "_ours", lambda repeat: a_pass(OURS, repeat))
        monkeypatch.setattr(made, "_peer", lambda name, repeat: a_pass(name, repeat, failure="no" if name in fails else ""))
        return made

    return make


def test_a_disturbed_pass_is_repeated_once_and_both_are_kept(comparison):
    found = comparison(FakeClock(0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1)).run([OURS, "loop"], repeats=3)
    assert [(item.disturbed, item.again) for item in found if item.disturbed or item.again] == [
        (True, False),
        (True, False),
        (False, True),
        (False, True),
    ]
    assert len(found) == 8


def test_who_fails_is_not_asked_again(comparison):
    found = comparison(FakeClock(0.1), fails=("loop",)).run([OURS, "loop"], repeats=3)
    assert [item.participant for item in found].count("loop") == 1
    assert [item.participant for item in found].count(OURS) == 3


def test_a_pass_survives_json():
    item = a_pass(measured=((1, 2.0), (3, 4.0)), details={"precision": "bf16"})
    assert passes.from_json(json.loads(json.dumps(passes.to_json(item)))) == item


def test_a_process_is_measured_from_outside_and_its_failure_is_told(tmp_path):
    code = "import sys; x = bytearray(10**8); print('so far'); sys.exit('no luck')"
    usage = processes.measure([peers.sys.executable, "-c", code], tmp_path / "log", env=processes.environment(), folder=tmp_path)
    assert usage.status == 1
    assert usage.peak_rss > 10**8
    assert usage.cpu > 0
    assert processes.last_lines(tmp_path / "log") == "no luck"


def test_a_process_is_ended_at_its_limit(tmp_path):
    command = [peers.sys.executable, "-c", "import time; time.sleep(60)"]
    assert processes.measure(command, tmp_path / "log", env=processes.environment(), folder=tmp_path, limit=0.3).status == -9


def test_no_limit_on_threads_is_handed_on(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "OMP_NUM_THREADS" not in processes.environment()


def test_every_peer_says_why_it_cannot_run_or_has_a_command(tmp_path):
    setting = Setting(python="python3")
    for work in WORKS:
        for peer in peers.PEERS.values():
            reason = peer.hindrance(work, setting)
            assert not (peer.name.startswith(("timm", "torchvision")) and not reason)
            if not reason:
                prepared = compare.files.Prepared(tmp_path, tmp_path, tmp_path, 4, 8, 2, 2)
                assert peer.command(work, prepared, setting, 2, tmp_path)[0] == "python3"


def test_the_quick_comparison_runs_ours_and_the_plain_loop(tmp_path):
    plan = compare.quick(Setting(workers=0), works=("cnn22-png",), peers=("loop",), home=tmp_path / "home")
    plan = compare.replace(plan, images=40, file_size=64, batch_size=8)
    work = compare.run(plan, tmp_path / "out.json", lambda _: None)["works"][0]
    assert {item["participant"]: item["failure"] for item in work["passes"]} == {OURS: "", "loop": ""}
    assert json.loads((tmp_path / "out.json").read_text())["works"][0]["train"] == work["train"]
