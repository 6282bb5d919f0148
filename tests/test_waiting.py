"""Programs say how threads wait before they load torch, and what the environment says stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import waiting

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def silent_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in waiting.WAITING:
        monkeypatch.setenv(name, "")  # so that what the test sets is undone
        monkeypatch.delenv(name)


def test_what_the_environment_says_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    waiting.briefly()
    assert {name: os.environ[name] for name in waiting.WAITING} == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "7"}


@pytest.mark.parametrize("head", ["import core.__main__", "from core import warmup; from pages import _entrance, _teaching, _tour, parts"])
def test_what_a_program_imports_at_its_head_leaves_torch_for_later(head: str) -> None:
    code = f"{head}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=False).returncode == 0
