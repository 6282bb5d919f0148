"""Where people go: an endless walk over the app's pages, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Content:
    """What there is to look at: names as they stand in links."""

    runs: tuple[str, ...]  # that were tested and have a network, several of them
    recorded: tuple[str, ...]  # that came with the project; may be empty
    training: str  # the run that trains meanwhile
    data: tuple[str, ...]
    papers: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """One page of a walk."""

    page: str  # its name in the address; "" is the first one
    query: Mapping[str, str] = field(default_factory=dict)
    upload: bool = False
    think: float = 0.0  # seconds that a person looks at it


VIEWS = ("figures", "figures", "figures", "matrix", "errors", "curves", "calibration", "files")
RECORDED_VIEWS = ("figures", "figures", "matrix", "curves", "calibration")  # records come without the pictures that the errors show
SIDES = ("tests", "settings", "curves", "matrices")
PAGES: tuple[tuple[int, Callable[[random.Random, Content], Visit]], ...] = (
    (3, lambda _, __: Visit("")),
    (2, lambda draw, there: Visit("data_sets", {"data": draw.choice(there.data)})),
    (3, lambda draw, there: Visit("explore", {"data": draw.choice(there.data), "view": draw.choice(("images", "images", "numbers"))})),
    (1, lambda _, __: Visit("shortcut_lab")),
    (1, lambda draw, there: Visit("train", {"data": draw.choice(there.data)})),
    (3, lambda _, __: Visit("queue")),
    (3, lambda _, there: Visit("runs", {"run": there.training})),
    (3, lambda draw, there: Visit("runs", {"run": draw.choice(there.runs), "view": draw.choice(VIEWS)})),
    (1, lambda draw, there: Visit("runs", {"run": draw.choice(there.recorded or there.runs), "view": draw.choice(RECORDED_VIEWS)})),
    (2, lambda _, __: Visit("compare")),
    (2, lambda draw, there: Visit("compare", {"runs": ",".join(draw.sample(there.runs, 2)), "view": draw.choice(SIDES)})),
    (1, lambda _, __: Visit("cross_data")),
    (2, lambda draw, there: Visit("papers", {"paper": draw.choice(there.papers)})),
    (3, lambda _, __: Visit("benchmark")),
    (2, lambda draw, there: Visit("predict", {"run": draw.choice(there.runs)}, upload=True)),
    (2, lambda draw, there: Visit("predict", {"run": draw.choice(there.runs)})),
    (1, lambda draw, there: Visit("heat_maps", {"run": draw.choice(there.runs)})),
    (2, lambda draw, _: Visit("guide", {"part": draw.choice(("tours", "glossary", "replay", "quiz"))})),
)
"""How often a page is drawn among the others, and how a visit of it is. Two of the pages are of the kind that keeps itself current."""


def walk(seed: int, there: Content, think: tuple[float, float] = (10.0, 30.0)) -> Iterator[Visit]:
    """Visits without end; the first is the first page or one that somebody sent a link to. Nobody goes twice in turn to the same view.

    Args:
        think: seconds; each visit takes a time between these two.
    """
    draw = random.Random(seed)
    weights, pages = zip(*PAGES, strict=True)
    last = None
    while True:
        drawn = draw.choices(pages, weights)[0](draw, there)
        thought = draw.uniform(*think)
        if (drawn.page, drawn.query) != last:
            last = (drawn.page, drawn.query)
            yield Visit(drawn.page, drawn.query, drawn.upload, thought)


def stays(seed: int, fewest: int = 5, most: int = 20) -> Iterator[int]:
    """How many pages each of a row of people looks at before leaving for the next one to come."""
    draw = random.Random(f"stays {seed}")
    while True:
        yield draw.randint(fewest, most)
