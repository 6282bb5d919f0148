"""Deletion, insertion and ROAD on a network whose evidence is known: the brightness of the picture's upper left quarter."""

from __future__ import annotations

from threading import Event, Lock, Thread
from time import sleep

import numpy as np
import pytest
import torch
from torch import nn

from core.background import FairLock
from core.errors import InvalidSpec
from core.explain.faithfulness import RANDOM_MAPS, STEPS, Curve, Road, Roads, faithfulness, road_reading, road_rows, roads
from core.explain.heatmap import HeatMap


class Corner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = x[:, 0, :12, :12].mean(dim=(1, 2))
        return torch.stack([20 * (seen - 0.7), torch.zeros_like(seen)], dim=1)


X = torch.zeros(1, 1, 24, 24)
X[..., :12, :12] = 0.8
X[..., 16:, 16:] = torch.rand(8, 8, generator=torch.Generator().manual_seed(0))
RIGHT, WRONG = (np.zeros((4, 4), np.float32) for _ in range(2))
RIGHT[:2, :2], WRONG[2:, 2:] = 1, 1


def heat(values: np.ndarray) -> HeatMap:
    return HeatMap(values, "gradcam")


def test_the_right_map_falls_early_and_comes_back_early() -> None:
    model, told = Corner().eval(), []
    found = faithfulness(model, X, heat(RIGHT), 0, Lock(), progress=lambda *at: told.append(at))
    assert found.deletion.area < min(found.random_deletions)
    assert found.insertion.area > max(found.random_insertions)
    assert "whether they are taken away or given back" in found.reading
    assert told == [(number, 20) for number in range(1, 21)]


def test_a_map_of_the_wrong_place_is_worse_than_chance() -> None:
    found = faithfulness(Corner().eval(), X, heat(WRONG), 0, Lock())
    assert found.deletion.area > np.median(found.random_deletions)
    assert found.insertion.area < np.median(found.random_insertions)
    assert "do not read the map as evidence" in found.reading


def test_curves_run_from_one_picture_to_the_other() -> None:
    model = Corner().eval()
    found = faithfulness(model, X, heat(RIGHT), 0, Lock())
    whole = float(model(X).softmax(dim=1)[0, 0])
    empty = float(model(X.mean().expand_as(X)).softmax(dim=1)[0, 0])
    assert found.deletion.shares.tolist() == pytest.approx(np.linspace(0, 1, STEPS + 1).tolist())
    assert (found.deletion.probabilities[0], found.deletion.probabilities[-1]) == (pytest.approx(whole), pytest.approx(empty, rel=1e-4))
    assert found.insertion.probabilities[-1] == pytest.approx(whole)
    assert found.insertion.probabilities[0] < whole


def test_the_same_seed_gives_the_same_figures_and_an_empty_map_no_better_ones_than_chance() -> None:
    model = Corner().eval()
    one, again = (faithfulness(model, X, heat(RIGHT), 0, Lock(), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.deletion.probabilities, again.deletion.probabilities)
    assert one.random_insertions == again.random_insertions
    empty = faithfulness(model, X, heat(np.zeros((4, 4), np.float32)), 0, Lock())
    assert min(empty.random_deletions) < empty.deletion.area < max(empty.random_deletions)
    assert "whether they are taken away" not in empty.reading


def test_the_area_of_a_straight_line_is_its_mean() -> None:
    assert Curve(np.linspace(0, 1, 5), np.linspace(1, 0, 5)).area == pytest.approx(0.5)


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="numbered from 0 to 1"):
        faithfulness(Corner().eval(), X, heat(RIGHT), 2, Lock())


def test_road_prefers_the_right_map_and_leaves_the_global_generator_alone() -> None:
    model, state, told = Corner().eval(), torch.get_rng_state(), []
    ramp = np.add.outer(np.arange(4), np.arange(4)).astype(np.float32)
    maps = {"right": heat(ramp.max() - ramp), "wrong": heat(ramp)}
    found = roads(model, X, maps, 0, Lock(), shares=(25, 50), progress=lambda *at: told.append(at))
    assert found.maps["right"].score > 0.2 > -0.2 > found.maps["wrong"].score
    assert found.reading("right") == "hot places matter more"
    assert found.reading("wrong") == "hot places matter less"
    assert len(found.random) == RANDOM_MAPS
    assert told == [(number, 20) for number in range(1, 21)]
    assert torch.equal(torch.get_rng_state(), state)


def test_road_knows_the_probability_at_each_share() -> None:
    model = Corner().eval()
    road = roads(model, X, {"gradcam": heat(RIGHT)}, 0, Lock(), shares=(10, 80)).maps["gradcam"]
    whole = float(model(X).softmax(dim=1)[0, 0])
    assert road.coldest[0] == pytest.approx(whole, abs=0.05)
    assert road.hottest[1] < whole - 0.2
    assert road.score == pytest.approx(((road.coldest - road.hottest) / 2).mean())


def test_road_of_the_same_seed_is_the_same() -> None:
    one, again = (roads(Corner().eval(), X, {"gradcam": heat(RIGHT)}, 0, Lock(), shares=(40,), seed=3) for _ in range(2))
    assert [road.score for road in one.random] == [road.score for road in again.random]
    assert one.maps["gradcam"].score == again.maps["gradcam"].score


def test_a_score_within_those_of_random_maps_is_no_better_than_random() -> None:
    def of(score: float) -> Road:
        return Road((50,), np.array([0.5 - score]), np.array([0.5 + score]))

    found = Roads({"a": of(0.1), "b": of(0.3), "c": of(-0.3)}, (of(0.05), of(-0.2)))
    assert [found.reading(name) for name in "abc"] == ["no better than random", "hot places matter more", "hot places matter less"]


def test_the_table_of_road_has_a_row_a_map_and_one_of_random_maps() -> None:
    def of(score: float) -> Road:
        return Road((20, 80), np.array([0.5, 0.5]) - score, np.array([0.5, 0.5]) + score)

    found = Roads({"gradcam": of(0.1), "layercam": of(0.3)}, (of(0.05), of(-0.2)))
    rows = road_rows(found)
    assert [row["map"] for row in rows] == ["Grad-CAM", "LayerCAM", "2 random maps"]
    assert [row["score"] for row in rows] == ["+0.100", "+0.300", "-0.200 to +0.050"]
    assert (rows[1]["hottest 20 %"], rows[1]["coldest 80 %"]) == ("0.20", "0.80")
    assert "in LayerCAM alone" in road_reading(found)
    assert "No map beats" in road_reading(Roads({"gradcam": of(0.1)}, found.random))
    assert "in every map" in road_reading(Roads({"gradcam": of(0.4)}, found.random))


def test_an_answer_asked_for_during_a_long_check_comes_before_its_end() -> None:
    model, lock, order = Corner().eval(), FairLock(), []
    begun = Event()

    def told(done: int, _total: int) -> None:
        order.append(done)
        begun.set()

    check = Thread(target=lambda: faithfulness(model, X, heat(RIGHT), 0, lock, progress=told))
    slow = model.register_forward_hook(lambda *_: sleep(0.01))  # a pass as long as a real network's
    check.start()
    assert begun.wait(20)
    asked = len(order)
    with lock, torch.inference_mode():
        model(X)
    order.append("answer")
    slow.remove()
    check.join()
    assert order.index("answer") - asked <= 2
    assert order[-1] == 20
