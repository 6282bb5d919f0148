"""What can go wrong, said so that a person can act on it.

Every message has three parts: the rule, the value received, the way out. An error carries all the problems found, not only the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One broken rule: what must hold, what was received instead, and what the person can do about it."""

    rule: str
    received: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.rule} Received: {self.received}. {self.way_out}"


class CoreError(Exception):
    """The work failed for a reason that a person can mend. `exit_code` is what the command line returns (1: work, 2: usage)."""

    exit_code = 1

    def __init__(self, rule: str, received: object, way_out: str) -> None:
        self.problems: tuple[Problem, ...] = (Problem(rule, str(received), way_out),)
        super().__init__(rule, received, way_out)  # the same arguments, so that the error survives pickling

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> CoreError:
        """One error for all `problems`, of which there must be at least one."""
        problems = tuple(problems)
        first = problems[0]
        error = cls(first.rule, first.received, first.way_out)
        error.problems = problems
        return error

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(CoreError):
    """What was asked for cannot be meant: an unknown name, an impossible number."""

    exit_code = 2


class InvalidSpec(UsageError):
    """A recipe, or a setting in it, breaks a rule."""


class UnknownName(UsageError):
    """No data set, model, recipe or run has this name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """The error for `name`, a `kind` ("model") that is none of `known`; it suggests the nearest."""
        known = sorted(known)
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        if near:
            way_out = f"Did you mean {' or '.join(near)}?"
        elif known:
            way_out = f"Choose one of: {', '.join(known[:12])}{' …' if len(known) > 12 else ''}."
        else:
            way_out = f"There is no {kind} yet."
        return cls(f"A {kind} is chosen by its name.", repr(name), way_out)


class UnreadableImage(CoreError):
    """A file that is no image, or an image that must not be decoded."""


class UnusableData(CoreError):
    """A data set that nothing can be trained on, or that is no longer where it was."""


class UnusableRun(CoreError):
    """A run whose folder lacks what is asked of it."""


class UnusableWeights(CoreError):
    """Weights that cannot be had, cannot be read, or belong to another network."""


class TrainingFailed(CoreError):
    """Training started and could not go on."""


class NotFinite(TrainingFailed):
    """A loss became infinite, or no number."""


class NotAllowed(CoreError):
    """Whoever acts may not do that."""


class BeyondLimit(NotAllowed):
    """One person's share of the machine is used up."""
