"""Which device, which number format: chosen by rule, said in words, and undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from core.errors import InvalidSpec
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec
from core.training import execution
from core.training.execution import choose, prepared

DATA = DataSpec(name="set", sha256="", classes=("a", "b"))


def recipe(**changes: object) -> Recipe:
    return compose(DATA, "alasfoor-cnn22", **{"image.size": 32, **changes})


def switches() -> tuple[object, ...]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.allow_tf32,
        torch.get_float32_matmul_precision(),
    )


@pytest.mark.parametrize(
    ("precision", "gains", "bf16", "reason"),
    [
        ("auto", True, True, "natively"),
        ("auto", False, False, "no native bf16"),
        ("bf16", False, True, "the recipe asks for bf16"),
        ("fp32", True, False, "the recipe asks for fp32"),
    ],
)
def test_the_recipe_decides_and_else_the_processor(
    precision: str, gains: bool, bf16: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_gains_from_bf16", lambda _: gains)
    how = choose(recipe(precision=precision), "cpu")
    assert (how.bf16, how.channels_last, how.deterministic, how.device.type) == (bf16, True, False, "cpu")
    assert reason in how.reason
    assert how.device_name


@pytest.mark.parametrize("precision", ["auto", "bf16", "fp32"])
def test_reference_mode_is_exact_whatever_else_is_asked(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_gains_from_bf16", lambda _: True)
    how = choose(recipe(reference=True, precision=precision), "cpu")
    assert (how.bf16, how.channels_last, how.deterministic) == (False, False, True)
    assert "reference mode" in how.reason


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1", "cuda:99", "meta", "mps:7", "cuda:x"])
def test_a_device_that_is_not_here_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(InvalidSpec, match=rf"on a device of this machine\. Received: '{name}'\. Choose one of: cpu"):
        choose(recipe(), name)


def test_without_a_wish_there_is_always_a_device() -> None:
    assert choose(recipe()).device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose(recipe(), "cpu:0").device.type == "cpu"


@pytest.mark.parametrize("bf16", [True, False])
def test_autocast_computes_in_the_format_chosen(bf16: bool) -> None:
    how = choose(recipe(precision="bf16" if bf16 else "fp32"), "cpu")
    with how.autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == (torch.bfloat16 if bf16 else torch.float32)


def test_the_model_is_placed_in_the_memory_format_chosen() -> None:
    for reference in (False, True):
        model = choose(recipe(reference=reference), "cpu").place(torch.nn.Conv2d(4, 4, 3))
        assert model.weight.is_contiguous(memory_format=torch.channels_last) is not reference


@pytest.mark.parametrize("reference", [True, False])
def test_reference_mode_sets_every_switch_to_exact(reference: bool) -> None:
    with prepared(choose(recipe(reference=reference), "cpu")):
        found = switches()
    assert found == ((True, False, False, False, "highest") if reference else (False, False, True, True, "high"))


@pytest.mark.parametrize(("device", "keeps"), [("cpu", True), ("cuda", False)])
def test_freed_memory_is_kept_on_the_processor_alone(monkeypatch: pytest.MonkeyPatch, device: str, keeps: bool) -> None:
    told: list[str] = []

    @contextmanager
    def kept() -> Iterator[None]:
        told.append("kept")
        yield
        told.append("given back")

    monkeypatch.setattr(execution.host_memory, "kept", kept)
    with prepared(replace(choose(recipe(), "cpu"), device=torch.device(device))):
        assert told == (["kept"] if keeps else [])
    assert told == (["kept", "given back"] if keeps else [])


@pytest.mark.parametrize("reference", [True, False])
@pytest.mark.parametrize("before", [(False, False), (True, False), (True, True)])
def test_the_switches_are_put_back_even_after_a_failure(reference: bool, before: tuple[bool, bool]) -> None:
    original = switches()
    try:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        expected = switches()
        with pytest.raises(ZeroDivisionError), prepared(choose(recipe(reference=reference), "cpu")):
            raise ZeroDivisionError
        assert switches() == expected
    finally:
        torch.use_deterministic_algorithms(original[0], warn_only=original[1])
