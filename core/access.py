"""Who acts, and what that person may do. Functions that act ask here themselves: a hidden button protects nothing.

Where no provider of identity is configured, whoever reaches the app sits at the machine and may do everything. Where one is, a call
that nobody is known to have made may do nothing. The command line acts as the machine's own administrator: whoever can start it can
read and write the artifacts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import settings
from core.errors import NotAllowed

Role = Literal["none", "viewer", "operator", "admin"]
Right = Literal["browse", "predict", "train", "import", "manage"]
"""browse: look at runs and data; predict: answers, maps, evaluation; train: runs, recipes, audits, probes; import: data sets, planted ones
too; manage: what belongs to others."""

RIGHTS: dict[Role, frozenset[Right]] = {
    "none": frozenset(),
    "viewer": frozenset({"browse", "predict"}),
    "operator": frozenset({"browse", "predict", "train", "import"}),
    "admin": frozenset({"browse", "predict", "train", "import", "manage"}),
}
_WORDS: dict[Right, str] = {
    "browse": "look at runs and data sets",
    "predict": "ask networks",
    "train": "train, audit, probe and save recipes",
    "import": "bring data sets in",
    "manage": "manage what belongs to others",
}


@dataclass(frozen=True)
class Person:
    """Whoever acts. The name is an e-mail address, in small letters; empty at the machine itself, and where nobody signed in."""

    name: str
    role: Role

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.role]


LOCAL = Person("", "admin")
ANONYMOUS = Person("", "none")

_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_asked: list[Callable[[], Person]] = []  # by which the app tells who acts; at most one


def person() -> Person:
    """Who acts now: whom `acting` names, else whom the app names, else everybody without signing in, or nobody with it."""
    named = _acting.get()
    if named is not None:
        return named
    if not settings.current().login:
        return LOCAL
    return _asked[0]() if _asked else ANONYMOUS


@contextmanager
def acting(who: Person) -> Iterator[None]:
    """Everything in this block is done by `who`."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


def ask(who: Callable[[], Person]) -> None:
    """From now on `who` tells who acts, at each call anew: parts of a page that refresh themselves are run without the app around them."""
    _asked[:] = [who]


def signed_in(claims: Mapping[str, Any]) -> Person:
    """The person whom a provider's `claims` name; ANONYMOUS without an e-mail address that it has verified."""
    found = settings.current()
    name = str(claims.get("email") or "").strip().lower()
    if claims.get("is_logged_in") is not True or not name or (claims.get("email_verified") is not True and not found.trust_email):
        return ANONYMOUS
    if name in found.admins:
        return Person(name, "admin")
    role: Any = "operator" if name in found.operators else found.default_role
    return Person(name, role)


def may(right: Right) -> bool:
    """Whether whoever acts has `right`; for pages, which show what can be done."""
    return person().may(right)


def require(right: Right) -> None:
    """The first line of every function that acts.

    Raises:
        NotAllowed: whoever acts does not have `right`.
    """
    who = person()
    if who.may(right):
        return
    needed = next(role for role, rights in RIGHTS.items() if right in rights)
    way_out = f"Ask an administrator to make you {needed}." if who.name else "Sign in."
    raise NotAllowed(f"To {_WORDS[right]} takes the role {needed}.", described(who), way_out)


def require_folder(path: Path) -> None:
    """For a file or folder of this machine that somebody names: administrators may name any, others those that are opened to them.

    Raises:
        NotAllowed: it lies elsewhere.
    """
    who, opened = person(), settings.current().import_folders
    resolved = path.expanduser().resolve()
    if who.may("manage") or any(resolved == folder or folder in resolved.parents for folder in opened):
        return
    rule = "Files of this machine are named by administrators; by others below the folders that import_folders lists."
    raise NotAllowed(rule, f"{path}, named by {described(who)}", "Upload a ZIP archive, take a public source, or ask an administrator.")


def described(who: Person) -> str:
    """How `who` is called in messages."""
    if not who.name:
        return "the machine’s own administrator" if who.role == "admin" else "nobody who is signed in"
    return f"{who.name}, {who.role}"
