"""How many runs one person may have unfinished, so that a machine is shared."""

from __future__ import annotations

from core import access, settings
from core.errors import BeyondLimit
from core.runs import index
from core.runs.status import LIVE


def require_turn(more: int = 1) -> None:
    """Before `more` runs are queued. The machine itself has no limit.

    Raises:
        NotAllowed: whoever acts may not train.
        BeyondLimit: whoever acts would have more than `queued_jobs` runs queued, running or paused.
    """
    access.require("train")
    who, most = access.person(), settings.current().queued_jobs
    if not who.name:
        return
    unfinished = sum(row.owner == who.name and row.state in (*LIVE, "paused") for row in index.rows())
    if unfinished + more > most:
        received = f"{unfinished} of {who.name}, and {more} more"
        raise BeyondLimit(f"One person has at most {most} unfinished runs.", received, "Wait until some are done, or cancel them.")
