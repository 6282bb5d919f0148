"""Replay from CUDA graphs: what is decided around it. The recording itself needs a GPU."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from core.training import graphs
from core.training.graphs import Replayed


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)).train()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """Shapes that went through the stand-in for a recording, which passes them on as a graph would, after a few passes to warm up."""
    shapes = []

    def make(module: nn.Module, samples: tuple[torch.Tensor], **_: object) -> nn.Module:
        module(*samples)
        module.register_forward_pre_hook(lambda _, arguments: shapes.append(arguments[0].shape))
        return module

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", make)
    monkeypatch.setattr(torch.random, "fork_rng", lambda **_: torch.random.contextlib.nullcontext())
    return shapes


def test_batches_of_the_first_shape_are_replayed_and_others_are_not(recorded: list[torch.Size]) -> None:
    replayed = Replayed(model(), bf16=False)
    for size in (4, 4, 2, 4):
        replayed(torch.rand(size, 1, 8, 8))
    assert recorded == [(4, 1, 8, 8)] * 3


def test_a_model_in_eval_mode_is_called_as_it_is(recorded: list[torch.Size]) -> None:
    network = model()
    replayed, x = Replayed(network, bf16=False), torch.rand(4, 1, 8, 8)
    replayed(x)
    network.eval()
    replayed(x)
    assert len(recorded) == 1


def test_recording_leaves_batch_statistics_as_they_were(recorded: list[torch.Size]) -> None:  # noqa: ARG001
    network, plain, x = model(), model(), torch.rand(4, 1, 8, 8)
    assert torch.equal(Replayed(network, bf16=False)(x), plain(x))
    assert torch.equal(network[1].running_mean, plain[1].running_mean)
    assert network[1].num_batches_tracked == plain[1].num_batches_tracked


def test_where_recording_fails_the_model_is_called_and_the_log_says_why(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", fail)
    monkeypatch.setattr(torch.random, "fork_rng", lambda **_: torch.random.contextlib.nullcontext())
    x, plain = torch.rand(4, 1, 8, 8), model()
    with caplog.at_level(logging.WARNING):
        found = Replayed(model(), bf16=False)(x)
    assert torch.equal(found, plain(x))
    assert "not permitted" in caplog.text


def test_only_the_forward_of_a_wrapper_is_replaced() -> None:
    network = model()
    wrapper = graphs._Pass(network)
    wrapper.forward = lambda x: x
    assert network(torch.rand(2, 1, 8, 8)).shape == (2, 2)
