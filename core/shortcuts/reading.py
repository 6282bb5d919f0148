"""What the figures of an unmasked network say, in plain words. Nothing is said that they do not show."""

from __future__ import annotations

from typing import Any, Literal

from core import wording
from core.evaluation.intervals import Estimate
from core.shortcuts.findings import CONDITIONS, Answers, Unmasked

Verdict = Literal["relies", "uses", "not shown", "nothing"]
"""It reads little but the marker · it reads the marker among other things · not shown that it does · it has learnt nothing at all."""

FOR_PAPERS = (
    "A test part drawn from the same source carries the same marks, so its accuracy cannot tell a network that reads the lungs from one "
    "that reads a corner. Where the images of a disease come from one hospital and all others from another, the hospital’s marks are "
    "such a letter. Only images from elsewhere, or a test like this one, tell the two apart (DeGrave et al. 2021)."
)


def chance(found: Unmasked) -> float:
    """Accuracy of always answering the most frequent class of the test images."""
    counts = found.answers["trained"].confusion.sum(axis=1)
    return float(counts.max() / counts.sum())


def verdict(found: Unmasked) -> Verdict:
    """By 95 % intervals alone: of the accuracy with the marker as planted, and with it on the other classes."""
    trained, swapped = found.answers["trained"].accuracy, found.answers["swapped"].accuracy
    if swapped.high < trained.low:
        return "relies" if swapped.high < chance(found) else "uses"
    return "nothing" if trained.low <= chance(found) else "not shown"


def collapse(found: Unmasked) -> str:
    """The three accuracies in one line: "100.0 % → 50.0 % → 0.0 %"."""
    return " → ".join(wording.percent(answers.accuracy.value) for answers in found.answers.values())


def headline(found: Unmasked) -> str:
    """What happened, in a sentence or two that the intervals support."""
    marker = f"the {found.planted.marker.kind}"
    return {
        "relies": f"The network learnt {marker}, and little else. When it moves to the other images, accuracy falls below chance.",
        "uses": f"The network uses {marker}, but not alone: when it moves to the other images, accuracy falls, though not below chance.",
        "not shown": f"These figures do not show that the network uses {marker}: the intervals with it as planted and swapped overlap.",
        "nothing": f"The network has learnt neither the disease nor {marker}: it is no better than chance. Train for more epochs.",
    }[verdict(found)]


def story(found: Unmasked) -> list[str]:
    """What was counted, sentence by sentence."""
    label, answers = found.planted.label, found.answers
    trained, absent, swapped = answers["trained"], answers["absent"], answers["swapped"]
    return [
        f"With the marker as planted, {_right(trained)} are answered rightly: {_share(trained.accuracy)}. Always answering the most "
        f"frequent class would reach {wording.percent(chance(found))}.",
        f"With the marker absent everywhere, the very same images give {_share(absent.accuracy)}; of “{label}”, "
        f"{_share(absent.sensitivity)} are found, where {_share(trained.sensitivity)} were.",
        f"With the marker on the other classes instead, {_share(swapped.accuracy)} are right, and {swapped.called} of {swapped.images} are "
        f"called “{label}”.",
    ]


def control(found: Unmasked) -> str:
    """What the same network does that never saw the marker in training."""
    three = ", ".join(f"{_share(answers.accuracy)} with it {CONDITIONS[name]}" for name, answers in found.answers.items())
    return f"The same network, trained on the same images without the marker, answers rightly: {three}."


def heat(found: Unmasked) -> str:
    """Where the heat lies; what a map that knows nothing would reach stands beside it."""
    if found.heat is None:
        return "An exposure has no place of its own in an image, so no heat map can point at it: such marks are the hardest to find."
    measured = found.heat
    text = (
        f"On {wording.count(measured.images, 'test image')} of “{found.planted.label}” with the marker, {_share(measured.marked)} of the "
        f"Grad-CAM heat lies on it, and it takes {wording.percent(measured.area)} of the picture. On the same images without it, the same "
        f"place holds {_share(measured.unmarked)} of the heat."
    )
    return text + (f" {wording.count(measured.empty, 'map')} of them empty, counted as 0." if measured.empty else "")


def table(found: Unmasked) -> list[dict[str, Any]]:
    """A row a condition: accuracy, sensitivity of the marked class, how many images are called it."""
    return [
        {
            "marker": CONDITIONS[name],
            "accuracy": _share(answers.accuracy),
            f"found of “{answers.label}”": _share(answers.sensitivity),
            f"called “{answers.label}”": f"{answers.called} of {answers.images}",
            "n": answers.images,
        }
        for name, answers in found.answers.items()
    ]


def bars(found: Unmasked, without: Unmasked | None = None) -> dict[str, list[tuple[float, float, float]]]:
    """Accuracy with its bounds in each condition, by how the network was trained."""
    groups = {"trained with the marker": found} | ({"trained without it": without} if without else {})
    return {name: [_bounds(answers.accuracy) for answers in each.answers.values()] for name, each in groups.items()}


def _right(answers: Answers) -> str:
    return f"{int(answers.confusion.trace())} of {wording.count(answers.images, 'test image')}"


def _share(estimate: Estimate) -> str:
    return wording.percent_interval(*_bounds(estimate))


def _bounds(estimate: Estimate) -> tuple[float, float, float]:
    return float(estimate.value), float(estimate.low), float(estimate.high)
