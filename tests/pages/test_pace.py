from types import SimpleNamespace

import pytest
from streamlit import runtime
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY

from pages import _pace


@pytest.mark.parametrize(("tabs", "seconds"), [(1, 2), (_pace.FEW, 2), (3 * _pace.FEW, 6)])
def test_live_parts_are_drawn_less_often_the_more_people_look(monkeypatch, tabs, seconds):
    connect(monkeypatch, {ACTIVE_SESSIONS_FAMILY: [SimpleNamespace(value=tabs)]})
    assert _pace.every(2) == seconds


def test_what_is_not_live_stays_so(monkeypatch):
    connect(monkeypatch, {ACTIVE_SESSIONS_FAMILY: [SimpleNamespace(value=99)]})
    assert _pace.every(None) is None


def test_without_a_count_the_pace_is_the_usual_one(monkeypatch):
    connect(monkeypatch, {})
    assert _pace.every(2) == 2
    monkeypatch.setattr(runtime, "exists", lambda: False)
    assert _pace.every(2) == 2


def connect(monkeypatch, counts):
    """Let a server be there that counts so."""
    monkeypatch.setattr(runtime, "exists", lambda: True)
    manager = SimpleNamespace(get_stats=lambda _families: counts)
    monkeypatch.setattr(runtime, "get_instance", lambda: SimpleNamespace(stats_mgr=manager))
