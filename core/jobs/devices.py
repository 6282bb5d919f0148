"""Names of devices: "cpu", "cuda:1"; those of a cluster say whose they are, as in "cpu:box-1a2b3c4d:0" and "cuda:box-1a2b3c4d:1"."""

from __future__ import annotations


def kind(device: str) -> str:
    """ "cpu" or "cuda"."""
    return device.partition(":")[0]


def machine(device: str) -> str:
    """The machine of a cluster that it is in; empty for this machine's own."""
    parts = device.split(":")
    return parts[1] if len(parts) == 3 else ""


def together(devices: list[str], number: int) -> list[str]:
    """The first `number` of `devices` that are in one machine; empty where none has so many."""
    for first in dict.fromkeys(map(machine, devices)):
        those = [device for device in devices if machine(device) == first]
        if len(those) >= number:
            return those[:number]
    return []
