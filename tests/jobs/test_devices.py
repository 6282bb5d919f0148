"""Names of devices, on this machine and on a cluster."""

import pytest

from core.jobs import devices

CLUSTER = ["cuda:a:0", "cuda:b:0", "cuda:b:1"]


@pytest.mark.parametrize(
    ("device", "kind", "machine"),
    [("cpu", "cpu", ""), ("cuda:1", "cuda", ""), ("cpu:box-1a:0", "cpu", "box-1a"), ("cuda:a:1", "cuda", "a")],
)
def test_a_name_says_the_kind_and_on_a_cluster_the_machine(device: str, kind: str, machine: str):
    assert (devices.kind(device), devices.machine(device)) == (kind, machine)


@pytest.mark.parametrize(("number", "chosen"), [(1, ["cuda:a:0"]), (2, ["cuda:b:0", "cuda:b:1"]), (3, [])])
def test_several_devices_are_chosen_in_one_machine(number: int, chosen: list[str]):
    assert devices.together(CLUSTER, number) == chosen


def test_devices_of_this_machine_stand_together():
    assert devices.together(["cuda:0", "cuda:1"], 2) == ["cuda:0", "cuda:1"]
