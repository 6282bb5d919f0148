"""Trainers on a Ray cluster: of two nodes on this machine, of which one is killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.data import library
from core.errors import CoreError, InvalidSpec
from core.jobs import launchers, queue, requests
from core.jobs.launchers.ray import Node, Ray
from core.jobs.supervisor import Supervisor
from core.recipes import fitting
from core.runs.status import SILENCE_LIMIT, ProcessMark, alive
from core.runs.store import Run

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

LIMIT = 90.0  # seconds after which what should happen counts as never happening
WITNESSED = Path(__file__).with_name("witnessed_trainer.py")
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One node that listens on this machine alone; without Ray the test is skipped, and in CI it fails."""
    # Read when Ray is imported: it then takes the loopback address for this machine's, as it does on Windows.
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        message = "Ray is an extra: pip install -r requirements-ray.txt"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    made = Cluster(initialize_head=True, head_node_args=dict(NODE))
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def submit(make_folder: Callable[..., Path]) -> Callable[..., Run]:
    """Queue a training of the 22-layer CNN on a small random data set."""
    manifest = library.open_dataset(str(make_folder({"a": 15, "b": 15})))

    def submitted(epochs: int, **settings: Any) -> Run:
        changes = {"image.size": 24, "epochs": epochs, "batch_size": 8, "reference": True}
        return requests.start(fitting.fit(fitting.draft(model="alasfoor-cnn22", **changes), manifest)[0], supervised=False, **settings)

    return submitted


def witnessed(run: Run, device: str) -> list[str]:
    """The trainer's command, by way of the witness."""
    python, _, _, *arguments = launchers.command(run, device)
    return [python, str(WITNESSED), str(run.folder), *arguments]


def until(condition: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    """Repeat `step` until `condition` holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        step()
        time.sleep(0.02)


def nodes_of(run: Run) -> list[str]:
    """Ids of the nodes that trained it, in order, as its tasks wrote them."""
    return re.findall(r"^On node (\w+)$", run.log(10_000), flags=re.MULTILINE)


def test_jobs_of_a_node_that_is_killed_go_on_on_another_and_no_run_has_two_trainers_at_once(cluster, submit):
    first, second = cluster.head_node, cluster.add_node(**NODE)
    supervisor = Supervisor(Ray(cluster.address, command=witnessed))
    machine = next(device for device in supervisor.launcher.slots() if first.node_id[:8] in device).rpartition(":")[0]
    staying, moving, last = submit(2000, device=machine), submit(60), submit(2)

    def step() -> None:
        supervisor.step("me")
        supervisor.launcher.wait(0.1)

    until(lambda: moving.has_checkpoint() and staying.status().state == "running", step)
    assert [nodes_of(staying), nodes_of(moving)] == [[first.node_id], [second.node_id]]
    killed = moving.status()
    cluster.remove_node(second, allow_graceful=False)
    until(lambda: moving.status().state == "queued", step)
    assert not alive(killed.process, killed.heartbeat, time.time())
    assert "its node, or Ray's process on it, was lost" in moving.status().message
    assert list(supervisor.launcher.slots()) == [f"{machine}:0"]
    requests.cancel(staying)
    until(lambda: not queue.jobs(), step)

    assert [run.status().state for run in (staying, moving, last)] == ["cancelled", "done", "done"]
    assert [nodes_of(moving), nodes_of(last)] == [[second.node_id, first.node_id], [first.node_id]]
    assert [row["epoch"] for row in moving.metrics() if row["kind"] == "epoch"] == list(range(1, 61))
    witnesses = [(run.folder / "witness.txt").read_text().splitlines() for run in (staying, moving, last)]
    assert witnesses == [["alone"], ["alone", "alone"], ["alone"]]


def test_a_trainer_ends_with_a_supervisor_that_is_killed(cluster, submit):
    run = submit(1)
    program = f"""if True:
        import sys, time
        from core.jobs.launchers.ray import Ray
        from core.runs import store
        trainer = [sys.executable, "-c", "import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)"]
        launcher = Ray({cluster.address!r}, command=lambda run, device: trainer)
        device = next(device for device in launcher.slots() if {cluster.head_node.node_id[:8]!r} in device)
        launcher.start(store.find({run.id!r}), device)
        time.sleep(600)
    """
    supervisor = subprocess.Popen([sys.executable, "-c", program], cwd=launchers.ROOT)
    try:
        until(lambda: "pid" in run.log())
        trainer = ProcessMark.of(int(run.log().split()[-1]))
        assert alive(trainer, None, time.time())
    finally:
        supervisor.kill()
        supervisor.wait()
    until(lambda: not alive(trainer, None, time.time()))


def test_a_run_whose_node_was_lost_is_not_started_again_while_its_trainer_may_live(submit):
    run, started = submit(1), []
    supervisor = Supervisor(Lost(started))
    supervisor.step("me")
    elsewhere = ProcessMark(pid=1, started=0.0, host="another machine")
    running = run.status().changed(state="running", process=elsewhere, heartbeat=time.time())
    run.write_status(running)
    supervisor.step("me")
    supervisor.step("me")
    assert started == [run.id]
    run.write_status(running.changed(heartbeat=time.time() - SILENCE_LIMIT - 1))
    supervisor.step("me")
    assert started == [run.id] * 2


class Lost:
    """A launcher of one node, which is lost as soon as a trainer was started."""

    name, host, mark, end = "ray", "ray", None, "killed when its node was lost"

    def __init__(self, started: list[str]) -> None:
        self._started = started

    def slots(self) -> dict[str, int]:
        return {"cpu:box:0": 1}

    def start(self, run: Run, device: str) -> Lost:  # noqa: ARG002  the protocol's
        self._started.append(run.id)
        return self

    def ended(self) -> bool:
        return True


def test_a_gpu_takes_one_job_and_processors_one_for_every_four():
    known = {"NodeID": "0123456789abcdef", "NodeManagerHostname": "box"}
    node = Node.of(known | {"Resources": {"CPU": 9.0, "GPU": 2.0, "memory": 1.0}})
    gpus, processors = {"cuda:box-01234567:0": 1, "cuda:box-01234567:1": 1}, {"cpu:box-01234567:0": 2}
    assert node.slots({"cuda": 1, "cpu": 0}) == gpus | processors
    assert node.slots({"cpu": 5}) == {"cpu:box-01234567:0": 5}
    assert Node.of(known | {"Resources": {"CPU": 1.0}}).slots({"cuda": 1, "cpu": 0}) == {"cpu:box-01234567:0": 1}
    assert Node.of(known | {"Resources": {}}).slots({"cuda": 1, "cpu": 0}) == {}


@pytest.mark.parametrize("slots", [{"cuda:0": 1}, {"cuda": 2}])
def test_devices_of_a_cluster_are_named_by_kind(slots):
    with pytest.raises(InvalidSpec, match="named by kind"):
        Ray(slots=slots)


def test_without_ray_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CoreError, match=r"pip install -r requirements-ray\.txt"):
        Ray()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "local", "ray://127.0.0.1:1"])
@pytest.mark.usefixtures("cluster")
def test_an_address_where_no_cluster_answers_is_refused_at_once(address):
    with pytest.raises(CoreError, match="A Ray cluster answers at the address"):
        Ray(address)


def test_jobs_that_ask_for_no_device_get_gpus_where_there_are_some_and_others_processors(submit):
    anywhere, processor = submit(1), submit(1, device="cpu")
    slots = {"cpu:box:0": 1, "cuda:box:0": 1}
    claimed = {job.run_id: job.device for job in (queue.claim("ray", slots, "me"), queue.claim("ray", slots, "me"))}
    assert claimed == {anywhere.id: "cuda:box:0", processor.id: "cpu:box:0"}
