"""Freed memory stays with a training on the processor, and goes back to the system after it."""

import ctypes
import mmap
import platform
import subprocess
import sys

import pytest
import torch

from core.training import host_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="keeping freed memory is asked of glibc alone")
BLOCK = 10_000_000  # float32 values: larger than what the library keeps by itself

PROGRAM = f"""
import resource, torch
from contextlib import nullcontext
from core.training import host_memory
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    torch.ones({BLOCK})
found = []
for way in (nullcontext, host_memory.kept):
    with way():
        for _ in range(30):  # until free blocks of the size that a step takes lie side by side
            step()
        before = faults()
        for _ in range(5):
            step()
        found.append(faults() - before)
print(*found)
"""
RETURNED = f"""
import psutil, torch
from core.training import host_memory
process = psutil.Process()
torch.ones(1)
before = process.memory_info().rss
with host_memory.kept():
    torch.ones({BLOCK})
    kept = process.memory_info().rss
print(kept - before, process.memory_info().rss - before)
"""


@glibc
def test_a_block_that_was_freed_is_used_again_without_new_pages():
    before, kept = told_by(PROGRAM)
    pages_of_a_step = 4 * BLOCK / mmap.PAGESIZE
    assert before > 4 * pages_of_a_step  # without it every step gets all its pages anew
    assert kept < pages_of_a_step / 10


@glibc
def test_afterwards_the_memory_is_given_back():
    kept, afterwards = told_by(RETURNED)
    assert kept > 2 * BLOCK
    assert afterwards < BLOCK


def told_by(program):
    """The numbers that `program` prints, in a process of its own: this one may hold free memory that a block finds room in."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return map(int, done.stdout.split())


@pytest.mark.parametrize("missing", [TypeError("no library without a name"), None])
def test_where_there_is_no_glibc_nothing_changes(monkeypatch, missing):
    def load(_name):
        if missing:
            raise missing
        return object()  # a C library without glibc's functions

    monkeypatch.setattr(ctypes, "CDLL", load)
    with host_memory.kept():
        assert torch.ones(3).sum() == 3
