"""A run's life in spells."""

from core.runs.spells import spells
from core.runs.status import Moment, Status

LIFE = (("queued", 0), ("running", 60), ("paused", 180), ("queued", 3780), ("running", 3790))


def status(state="running", **values):
    history = tuple(Moment(state=state, at=at) for state, at in LIFE)
    return Status(state=state, created=0, history=history, **values)


def test_waiting_training_and_pauses_are_told_apart_and_the_last_goes_on():
    assert [spell.text for spell in spells(status(), now=3850)] == [
        "waited about 60 s",
        "trained about 2 min",
        "paused about 60 min",
        "waited about 10 s",
        "trained about 60 s so far",
    ]


def test_an_end_takes_no_time():
    ended = Status(state="done", created=0, history=(Moment(state="running", at=0), Moment(state="done", at=5)))
    assert [spell.text for spell in spells(ended, now=1000)] == ["trained about 5 s", "done"]


def test_an_older_folder_tells_what_it_knows():
    old = Status(state="failed", created=10, started=20, finished=50)
    assert [(spell.state, spell.at, spell.seconds) for spell in spells(old, now=99)] == [
        ("queued", 10, 10),
        ("running", 20, 30),
        ("failed", 50, None),
    ]


def test_a_clock_that_was_set_back_makes_no_negative_times():
    back = Status(state="running", created=0, history=(Moment(state="queued", at=100), Moment(state="running", at=90)))
    assert [spell.seconds for spell in spells(back, now=80)] == [0, 0]
