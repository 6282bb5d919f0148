"""A recorded run at any second, and the player that says which second it is."""

from __future__ import annotations

import pytest

from core.errors import UnusableRun
from core.runs import store
from core.teaching import replay
from core.teaching.replay import Player, Recording

EPOCHS, STEPS, SECONDS = 4, 5, 40.0


def test_at_the_start_there_is_nothing_and_at_the_end_everything(recorded):
    recording = Recording.of(recorded)
    assert recording.seconds == pytest.approx(SECONDS, abs=0.01)
    assert recording.at(0).rows == ()
    assert list(recording.at(SECONDS).rows) == recorded.metrics()
    assert list(recording.at(1e9).rows) == recorded.metrics()


def test_rows_come_in_their_order_and_an_epoch_when_its_last_step_has(recorded):
    recording = Recording.of(recorded)
    rows = recording.at(SECONDS / EPOCHS + 0.01).rows
    assert [row["kind"] for row in rows] == ["step"] * STEPS + ["epoch"]
    counts = [len(recording.at(second).rows) for second in range(0, 41)]
    assert counts == sorted(counts)


def test_the_status_is_that_of_a_training_run(recorded):
    status = Recording.of(recorded).at(15.0).status
    assert (status.state, status.phase, status.epoch, status.step) == ("running", "training", 2, 2)
    assert status.seconds_left == pytest.approx(SECONDS - 15, abs=0.01)
    assert status.share_done == pytest.approx(0.35, abs=0.01)


def test_a_cancelled_run_plays_as_far_as_it_came(recorded):
    recorded.drop_metrics_after(2)
    recorded.write_status(recorded.status().changed(state="cancelled"))
    recording = Recording.of(recorded)
    assert recording.epochs == 2
    assert recording.at(SECONDS / 2).rows[-1]["epoch"] == 1


def test_seeking_an_epoch_and_asking_where_one_is_agree(recorded):
    recording = Recording.of(recorded)
    assert recording.epoch_at(recording.second_of(2.5)) == pytest.approx(2.5)


def test_a_run_without_a_curve_is_refused_with_the_way_out(recorded):
    (recorded.folder / "metrics.jsonl").unlink()
    with pytest.raises(UnusableRun, match="Choose another run"):
        Recording.of(recorded)


def test_a_live_run_is_not_offered_and_refused(recorded):
    live = store.create(recorded.recipe())
    assert [row.run_id for row in replay.replayable()] == [recorded.id]
    with pytest.raises(UnusableRun, match="still training"):
        Recording.of(live)


def test_the_player_plays_pauses_and_seeks():
    player = Player(100.0)
    assert not player.plays(0)
    playing = player.played(now=10)
    assert (playing.at(13), playing.plays(13)) == (3, True)
    paused = playing.paused(now=20)
    assert (paused.at(99), paused.plays(99)) == (10, False)
    assert paused.sought(50, now=99).at(200) == 50
    assert playing.sought(50, now=20).at(22) == 52
    assert playing.sought(1e9, now=20).at(20) == 100


def test_another_speed_counts_from_where_the_replay_stands():
    player = Player(100.0).played(now=0).timed(5, now=10)
    assert player.at(12) == 20
    assert Player(100.0).timed(5, now=3).at(9) == 0


def test_a_replay_that_ended_plays_from_the_start():
    ended = Player(10.0).played(now=0)
    assert ended.ended(11)
    assert not ended.plays(11)
    assert ended.played(now=20).at(21) == 1


@pytest.mark.parametrize(("seconds", "usual"), [(3, 1), (59, 1), (61, 2), (9 * 3600, 1000)])
def test_the_usual_speed_is_over_within_a_minute(seconds, usual):
    assert replay.usual_speed(seconds) == usual
    assert usual in replay.speeds(seconds)
    assert replay.speeds(seconds)[0] == 1
