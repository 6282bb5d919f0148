"""Trainers on the machines of a Ray cluster, an optional extra: each job is a task that runs the same command on one node.

All machines have this installation, the run folders and the data at the same paths, as on a shared disk, and clocks that agree; they run
Linux. The table of jobs is the supervisor's affair alone, on its machine.

A trainer dies with the worker that started it, and the worker with its node. It dies with the supervisor as well, unlike trainers on this
machine: Ray ends the tasks of a program that has gone. The run is then interrupted, and the next supervisor queues it again, to go on from
its newest checkpoint. In return nothing trains that nobody watches, and no task that still waited for its worker starts behind the back
of the next supervisor. Where the cluster's head is lost, Ray ends this process within a minute; it is started again when the head is back.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import CoreError, InvalidSpec
from core.jobs import devices, launchers
from core.jobs.launchers import Command
from core.runs.store import Run
from core.settings import artifacts_dir

CPUS_A_JOB = 4  # processors of a node for one job, where nobody says how many jobs a node takes
DOUBT = 60.0  # seconds for which a node that lost a trainer gets no other: Ray may learn only later that the node has gone
_LOST = "killed when its node, or Ray's process on it, was lost"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Node:
    """One that is alive. `name`: of its machine, and the beginning of `id`, as a machine that comes back is another node."""

    id: str
    name: str
    cpus: float
    gpus: int

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Node:
        """From what Ray knows of it."""
        has = known["Resources"]
        name = f"{known['NodeManagerHostname']}-{known['NodeID'][:8]}"
        return cls(known["NodeID"], name, has.get("CPU", 0.0), int(has.get("GPU", 0)))

    def slots(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """Device → jobs at a time, of the kinds in `wanted`; there, 0 is "as many as it has processors for"."""
        found = {f"cuda:{self.name}:{number}": 1 for number in range(self.gpus)} if "cuda" in wanted else {}
        if "cpu" in wanted and self.cpus:
            found[f"cpu:{self.name}:0"] = wanted["cpu"] or max(1, int(self.cpus // CPUS_A_JOB))
        return found


class Task:
    """A trainer on a node; see `core.jobs.launchers.Trainer`."""

    mark = None  # its run's status says it, once it is at work

    def __init__(self, ray: ModuleType, node: Node, result: Any) -> None:
        self._ray, self.node, self.result = ray, node, result

    def ended(self) -> bool:
        return bool(self._ray.wait([self.result], timeout=0)[0])

    @property
    def end(self) -> str:
        if not self.ended():
            return ""
        errors = self._ray.exceptions
        try:
            return launchers.end_of(self._ray.get(self.result))
        except errors.OutOfMemoryError:
            return "killed for lack of memory on its node"
        except errors.RayTaskError as error:
            return f"not to be started on its node: {error.cause}"
        except errors.RayError:
            return _LOST

    @property
    def lost(self) -> bool:
        return self.end == _LOST


class Ray:
    """Every GPU of the cluster takes one job. Where there are none, or for jobs that ask for processors, a node takes one for every
    `CPUS_A_JOB` of its processors, at least one."""

    name = "ray"
    host = "ray"  # whichever address the cluster has: jobs of one that has gone are taken over by the next

    def __init__(self, address: str = "auto", slots: Mapping[str, int] | None = None, command: Command = launchers.command) -> None:
        """`slots`: "cuda", "cpu" or both, and jobs at a time: of a GPU, always 1; of a node's processors.

        Raises:
            InvalidSpec: `slots` names other devices, or several jobs for a GPU.
            CoreError: Ray is not installed, or no cluster answers at `address`.
        """
        self._wanted = {"cuda": 1, "cpu": 0} if slots is None else dict(slots)
        if not self._wanted.keys() <= {"cuda", "cpu"} or self._wanted.get("cuda", 1) != 1:
            raise InvalidSpec("A cluster's devices are named by kind.", dict(slots or {}), "Write cuda, cpu=2 or cuda,cpu=2.")
        self._ray, self._command = _connected(address), command
        self._nodes: dict[str, Node] = {}
        self._tasks: list[Task] = []
        self._doubted: dict[str, float] = {}  # node id → until when, on the monotonic clock

    def slots(self) -> Mapping[str, int]:
        self._forget_ended()
        now = time.monotonic()
        try:
            nodes = [Node.of(known) for known in self._ray.nodes() if known["Alive"] and self._doubted.get(known["NodeID"], now) <= now]
        except self._ray.exceptions.RayError:
            log.exception("The cluster does not answer")
            nodes = []
        self._nodes = {node.name: node for node in nodes}
        return {device: jobs for node in nodes for device, jobs in node.slots(self._wanted).items()}

    def start(self, run: Run, device: str) -> Task:
        """Raises OSError where the node has gone since `slots`."""
        names = device.split(",")
        node = self._nodes.get(devices.machine(names[0]))
        if node is None:
            raise OSError(f"the node of {device} has left the cluster")
        on_gpus = devices.kind(device) == "cuda"
        jobs = node.slots(self._wanted)[names[0]]
        where = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)
        needs = {"num_gpus": len(names), "num_cpus": 0} if on_gpus else {"num_cpus": node.cpus // jobs or node.cpus / jobs}
        task = self._ray.remote(_train).options(max_retries=0, scheduling_strategy=where, name=run.id, **needs)
        # Ray shows a task its own GPUs alone, counted from 0.
        seen = ",".join(f"cuda:{number}" for number in range(len(names))) if on_gpus else "cpu"
        result = task.remote(self._command(run, seen), run.folder, launchers.ROOT, artifacts_dir(), on_gpus)
        started = Task(self._ray, node, result)
        self._tasks.append(started)
        return started

    def wait(self, seconds: float) -> None:
        self._forget_ended()
        if self._tasks:
            self._ray.wait([task.result for task in self._tasks], timeout=seconds)
        else:
            time.sleep(seconds)

    def _forget_ended(self) -> None:
        ended = [task for task in self._tasks if task.ended()]
        self._doubted |= {task.node.id: time.monotonic() + DOUBT for task in ended if task.lost}
        self._tasks = [task for task in self._tasks if task not in ended]


def _connected(address: str) -> ModuleType:
    """Ray, with this process as a driver of the cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before it is imported: nothing is told to anybody
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        received = "an installation without it"
        raise CoreError("Trainers on several machines need Ray.", received, "pip install -r requirements-ray.txt") from error
    try:
        if address != "auto":
            _reach(address)
        ray.init(address, ignore_reinit_error=True, log_to_driver=False, configure_logging=False)
    except (OSError, ValueError) as error:
        way_out = "Start one: ray start --head here, ray start --address=HOST:PORT on the other machines."
        raise CoreError("A Ray cluster answers at the address.", f"{address} ({error})", way_out) from error
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers need not import this package
    return ray


def _reach(address: str) -> None:
    """Raises OSError or ValueError where nobody listens at HOST:PORT. Ray would try for minutes, and then end this process."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), timeout=10).close()


def _train(command: list[str], folder: Path, root: Path, artifacts: Path, on_gpus: bool) -> int:
    """What a task does, on its node: the trainer, to its end; returns its exit status, negative for a signal. `root` holds `core`."""
    import ray

    environment = os.environ | {"CXRLAB_ARTIFACTS": str(artifacts)}
    if on_gpus:
        environment.pop("OMP_NUM_THREADS", None)  # Ray allows a task that asks for no processor one thread
    with open(folder / "log.txt", "a", encoding="utf-8") as output:
        output.write(f"On node {ray.get_runtime_context().get_node_id()}\n")
        output.flush()
        tied = [sys.executable, str(root / "core/jobs/launchers/tied.py"), str(os.getpid()), *command]
        trainer = subprocess.run(tied, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    return trainer.returncode
