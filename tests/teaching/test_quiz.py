"""The quiz: a plain draw of test images, and both answers laid beside each other."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from core.teaching import quiz


def test_the_same_draw_gives_the_same_images_and_another_gives_others(recorded):
    assert quiz.draw(recorded, 1).samples == quiz.draw(recorded, 1).samples
    assert set(quiz.draw(recorded, 1).samples) != set(quiz.draw(recorded, 2).samples)
    assert len(set(quiz.draw(recorded, 1).samples)) == quiz.IMAGES


def test_images_are_drawn_whatever_the_network_answers(recorded):
    shares = [quiz.draw(recorded, seed).drawn.right().mean() for seed in range(200)]
    assert sum(shares) / len(shares) == pytest.approx(0.75, abs=0.02)
    assert len(set(shares)) > 3, "no draw is balanced by hand"


def test_a_small_test_part_is_asked_about_whole(recorded):
    recorded.write_predictions(recorded.predictions().head(7))
    assert len(quiz.draw(recorded).samples) == 7


def test_both_accuracies_come_with_intervals_and_the_sentence_names_the_better(recorded):
    drawn = quiz.draw(recorded, 3)
    truth = drawn.drawn.table["label"].tolist()
    wrong = [{"a": "b", "b": "a"}[label] for label in truth]
    best, worst = quiz.score(drawn, truth), quiz.score(drawn, wrong)
    assert (best.people.value, worst.people.value) == (1, 0)
    assert best.network == worst.network
    assert best.people.low < 1 == pytest.approx(best.people.high)
    assert worst.sentence.startswith("The network is better than your group")
    assert "p < 0.0001" in worst.sentence or "p = " in worst.sentence
    assert best.sentence[0].isupper()


def test_equal_answers_are_no_evidence(recorded):
    drawn = quiz.draw(recorded)
    found = quiz.score(drawn, drawn.drawn.labels().tolist())
    assert "No evidence" in found.sentence
    assert found.answers["people"].tolist() == found.answers["network"].tolist()


@pytest.mark.parametrize(("change", "message"), [(lambda given: given[1:], "19 of 20"), (lambda given: ["c", *given[1:]], "one of a, b")])
def test_answers_that_do_not_fit_are_refused(change, message, recorded):
    drawn = quiz.draw(recorded)
    with pytest.raises(InvalidSpec, match=message):
        quiz.score(drawn, change(["a"] * quiz.IMAGES))
