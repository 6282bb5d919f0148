"""Work that goes on beside the pages: a worker thread, its queue, and the lock by which that work and answers take turns.

Work is named by its content, so that the same work asked for twice, or by two browser sessions, is done once. It knows neither networks
nor pages: work is any function that tells its progress, and it is stopped where it tells it.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from threading import Condition, Lock, Thread
from typing import Any, Literal

import numpy as np

from core import access
from core.data.threads import Progress
from core.errors import CoreError, Problem

State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Progress], Any]
"""Takes a function to tell its progress to, which may raise to stop it, and returns the result."""

KEPT = 64  # ended works whose results stay
WAITING = 32  # works in the queue
CLOSING = 10.0  # seconds that the program's end waits for a work to reach its next piece


class FairLock:
    """A lock that is had in the order in which it was asked for.

    Python's own may be taken again and again by a thread that works in a loop, while others wait. With this one, who works piece by
    piece lets each of those who wait go first.
    """

    def __init__(self) -> None:
        self._guard, self._held, self._waiting = Lock(), False, deque[Lock]()

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()  # handed over: at no time is it free for somebody else
            else:
                self._held = False

    def locked(self) -> bool:
        return self._held


@dataclass(frozen=True)
class Snapshot:
    """How a work stands."""

    state: State
    done: int = 0  # pieces, of `total`; 0 of 0 before the first is told
    total: int = 0
    result: Any = None
    problems: tuple[Problem, ...] = ()  # why it failed

    @property
    def live(self) -> bool:
        return self.state in ("queued", "running")

    @property
    def share(self) -> float:
        """Done, 0…1."""
        return self.done / self.total if self.total else 0.0


class _Cancelled(Exception):
    """Ends a work from within its own call to tell its progress."""


class Pool:
    """One worker thread, which lives while there is work. May be used by any thread."""

    def __init__(self, name: str = "background", kept: int = KEPT, waiting: int = WAITING) -> None:
        """`kept`: results, the latest looked at; `waiting`: works in the queue."""
        self._name, self._kept, self._most_waiting = name, kept, waiting
        self._changed = Condition()
        self._works: dict[str, Work] = {}  # queued, in their order
        self._found: OrderedDict[str, Snapshot] = OrderedDict()
        self._cancelled: set[str] = set()
        self._at_work = False

    def start(self, key: str, work: Work) -> Snapshot:
        """Begin `work` when its turn comes, unless `key` is queued, running or done. What failed or was cancelled is tried again.

        Raises:
            CoreError: too much waits already.
        """
        with self._changed:
            known = self._found.get(key)
            if known and known.state in ("queued", "running", "done"):
                self._cancelled.discard(key)  # somebody wants it after all
                return known
            if len(self._works) >= self._most_waiting:
                rule = f"Up to {self._most_waiting} checks wait for their turn."
                raise CoreError(rule, "one more", "Wait until some are done, or cancel those that are not needed.")
            self._works[key] = _by(access.person(), work)
            self._note(key, Snapshot("queued"))
            if not self._at_work:
                self._at_work = True
                Thread(target=self._run, name=self._name, daemon=True).start()
            return self._found[key]

    def look(self, key: str) -> Snapshot | None:
        """How `key` stands; None where it was never asked for, or ended so long ago that its result is gone."""
        with self._changed:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def cancel(self, key: str) -> None:
        """End `key` for everybody who asked for it: at once where it waits, at its next piece where it runs."""
        with self._changed:
            if self._works.pop(key, None):
                self._note(key, Snapshot("cancelled"))
            elif key in self._found and self._found[key].state == "running":
                self._cancelled.add(key)

    def wait(self, key: str, seconds: float | None = None) -> Snapshot | None:
        """Return when `key` has ended, or `seconds` have passed."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._found or not self._found[key].live, seconds)
            return self._found.get(key)

    def close(self, seconds: float = CLOSING) -> None:
        """End all that waits or runs, and return when nothing runs any more, or `seconds` have passed.

        Before the interpreter ends: a thread that is in compiled code then would abort the whole program.
        """
        with self._changed:
            for key in [key for key, found in self._found.items() if found.live]:
                if self._works.pop(key, None):
                    self._note(key, Snapshot("cancelled"))
                else:
                    self._cancelled.add(key)
            self._changed.wait_for(lambda: not self._at_work, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._works:
                    self._at_work = False
                    self._changed.notify_all()
                    return
                key = next(iter(self._works))
                work = self._works.pop(key)
                self._note(key, Snapshot("running"))
            ended = self._ended(key, work)
            del work  # it may hold a network
            with self._changed:
                self._cancelled.discard(key)
                self._note(key, ended)

    def _ended(self, key: str, work: Work) -> Snapshot:
        def told(done: int, total: int) -> None:
            with self._changed:
                if key in self._cancelled:
                    raise _Cancelled
                self._note(key, replace(self._found[key], done=done, total=total))

        try:
            return Snapshot("done", result=work(told))
        except _Cancelled:
            return Snapshot("cancelled")
        except CoreError as error:
            return Snapshot("failed", problems=error.problems)
        except Exception as error:  # whatever it is, the next work must not wait for ever
            logging.getLogger(__name__).exception("Work in the background failed")
            rule = "Work in the background ends with a result."
            return Snapshot("failed", problems=(Problem(rule, f"{type(error).__name__}: {error}", "Try it again."),))

    def _note(self, key: str, snapshot: Snapshot) -> None:
        self._found[key] = snapshot
        self._found.move_to_end(key)
        ended = [known for known, found in self._found.items() if not found.live]
        for known in ended[: max(0, len(ended) - self._kept)]:
            del self._found[known]
        self._changed.notify_all()


@cache
def pool(name: str = "checks") -> Pool:
    """The one of this name that all browser sessions share; works of different names do not wait for each other."""
    made = Pool(name)
    atexit.register(made.close)
    return made


def _by(who: access.Person, work: Work) -> Work:
    """`work`, done by `who`: the worker's own thread knows nobody."""

    def done(progress: Progress) -> Any:
        with access.acting(who):
            return work(progress)

    return done


def key_of(*parts: object) -> str:
    """A name for work on `parts`: equal for equal content. Arrays count by all their values, all else by how Python writes it."""
    digest = hashlib.sha256()
    for part in parts:
        array = isinstance(part, np.ndarray)
        digest.update((f"{part.dtype} {part.shape}" if array else f"{part!r}").encode() + b"\0")
        if array:
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
