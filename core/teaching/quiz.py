"""A quiz on a run's test images: people answer first, then the network's answers are laid beside theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import InvalidSpec
from core.evaluation import comparison
from core.evaluation.intervals import Estimate, wilson
from core.evaluation.predicted import Predicted, of_run
from core.runs.store import PROBABILITY, Run

IMAGES = 20
PEOPLE, NETWORK = "your group", "the network"


@dataclass(frozen=True, eq=False)
class Quiz:
    """Images to be asked about, in order, with what the network answers to each. `drawn`: a row an image."""

    drawn: Predicted

    @property
    def classes(self) -> tuple[str, ...]:
        return self.drawn.classes

    @property
    def samples(self) -> tuple[str, ...]:
        """Sample ids."""
        return tuple(self.drawn.table["sample_id"])


@dataclass(frozen=True, eq=False)
class Score:
    """How people and the network did on the same images. `answers`: a row an image with sample_id, label, people, network."""

    people: Estimate
    network: Estimate
    sentence: str  # whether the difference can be chance
    answers: pd.DataFrame


def draw(run: Run, seed: int = 0, images: int = IMAGES) -> Quiz:
    """Draw `images` of the run's test part (all where it has fewer), without regard to what the network answers.

    Drawn plainly at random, so that the network is right on them as often as on any others: choosing easy or hard ones would decide
    who wins. The same seed gives the same images in the same order.

    Raises:
        UnusableRun: the run has no predictions.
    """
    found = of_run(run)
    order = np.random.default_rng(seed).permutation(len(found.table))[:images]
    return Quiz(Predicted(NETWORK, found.classes, found.table.iloc[order].reset_index(drop=True)))


def score(quiz: Quiz, given: Sequence[str]) -> Score:
    """Lay the answers `given`, one an image in the quiz's order, beside the network's.

    Raises:
        InvalidSpec: not one answer an image, or one that is no class.
    """
    table, count = quiz.drawn.table, len(quiz.samples)
    if len(given) != count:
        raise InvalidSpec("Every image of the quiz is answered once.", f"{len(given)} of {count}", "Answer the others.")
    strange = [answer for answer in given if answer not in quiz.classes]
    if strange:
        raise InvalidSpec(f"An answer is one of {', '.join(quiz.classes)}.", strange[0], "Choose one of them.")
    people = Predicted(PEOPLE, quiz.classes, _as_answered(table, quiz.classes, given))
    sentence = comparison.compare([people, quiz.drawn]).pairs[0].sentence
    return Score(
        people=wilson(int(people.right().sum()), count),
        network=wilson(int(quiz.drawn.right().sum()), count),
        sentence=sentence[0].upper() + sentence[1:],
        answers=table[["sample_id", "label"]].assign(people=list(given), network=quiz.drawn.labels()),
    )


def _as_answered(table: pd.DataFrame, classes: tuple[str, ...], given: Sequence[str]) -> pd.DataFrame:
    """The table with people's answers as certain probabilities: all that a comparison of right and wrong needs."""
    certain = {PROBABILITY + name: [float(answer == name) for answer in given] for name in classes}
    return table.assign(**certain)
