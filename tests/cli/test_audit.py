"""`data audit` gives the contract's keys, and with --probes what each probe reaches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.__main__ import main
from core.evaluation import probes


def test_an_audit_with_probes_has_the_keys_that_were_promised(
    make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "TREES", 5)
    assert main(["data", "audit", str(make_folder({"a": 20, "b": 20}, patients=1)), "--probes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() >= {"images", "classes", "patients", "sources", "unreadable", "duplicates", "leakage", "light", "findings"}
    assert (found["images"], found["patients"]) == (40, 40)
    assert {one["probe"] for one in found["probes"]} == probes.PROBES.keys()
    for one in found["probes"]:
        assert one["accuracy"]["low"] <= one["accuracy"]["value"] <= one["accuracy"]["high"]
