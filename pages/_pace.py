"""How often live parts are drawn anew: the more people look, the less often, so that a class does not slow the training it watches."""

from __future__ import annotations

from streamlit import runtime

FEW = 10  # browser tabs whose live parts keep their usual pace
_COUNTED = "active_sessions"


def every(seconds: float | None) -> float | None:
    """Seconds between two drawings of a live part that few people see every `seconds`; None, of what is not live, stays None.

    All together then ask for it no more often than `FEW` of them would. It holds until the page is drawn anew.
    """
    return seconds and seconds * max(1.0, _tabs() / FEW)


def _tabs() -> float:
    """Browser tabs that are connected now, by the count that Streamlit publishes among its metrics; 0 where it has none."""
    if not runtime.exists():
        return 0
    return sum(stat.value for stat in runtime.get_instance().stats_mgr.get_stats([_COUNTED]).get(_COUNTED, ()))
