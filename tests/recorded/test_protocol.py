"""What the benchmark runs, and what it need not run again."""

import pytest

from core.benchmark import protocol
from core.benchmark.protocol import Choice
from core.data import library
from core.errors import InvalidSpec, UnknownName
from core.jobs import queue, supervisors
from core.recipes import catalogue
from core.runs import index, store


@pytest.fixture
def manifest(make_folder):
    return library.open_dataset(str(make_folder({"COVID-19": 45, "Normal": 45, "Pneumonia": 45}, patients=3)))


@pytest.fixture(autouse=True)
def ensured(monkeypatch):
    calls = []
    monkeypatch.setattr(supervisors, "ensure", lambda: calls.append(1))
    return calls


def tasks(manifest, **choice):
    return protocol.tasks(manifest, Choice(rows=("alasfoor-2020",), **choice), index.rows())


def test_every_paper_has_rows_besides_our_own_and_none_copies_images_before_the_split():
    rows = protocol.rows()
    assert {entry.paper for entry in rows} - {""} == {paper.key for paper in catalogue.papers()}
    assert [entry.name for entry in rows if not entry.paper] == ["cxrlab-best"]
    assert not any(entry.changes.get("copies.before_split") for entry in rows)


def test_an_own_recipe_joins_by_its_name(monkeypatch):
    monkeypatch.setattr(protocol, "OWN", ("demo",))
    assert protocol.rows()[-1].name == "demo"
    assert Choice(rows=("demo",)).entries == (catalogue.get("demo"),)


def test_all_rows_fit_three_classes_under_both_protocols(manifest):
    found = protocol.tasks(manifest, Choice(), index.rows())
    assert len(found) == len(protocol.rows()) * 2 * protocol.FOLDS
    assert {task.recipe.weights.source for task in found} == {"random"}
    assert {task.recipe.keep for task in found} == {"best-accuracy"}


def test_the_protocols_differ_in_what_a_split_keeps_together_alone(manifest):
    published, honest = (tasks(manifest, protocols=(name,), folds=(0,))[0].recipe for name in ("published", "honest"))
    differing = {name for (name, one), (_, other) in zip(published.leaves(), honest.leaves(), strict=True) if one != other}
    assert differing == {"split.together"}


def test_what_is_queued_once_is_not_queued_again(manifest, ensured):
    first = protocol.submit(tasks(manifest, folds=(0, 1)))
    assert len(first) == 4
    assert {job.experiment_name for job in queue.jobs()} == {"benchmark-published", "benchmark-honest"}
    assert protocol.submit(tasks(manifest, folds=(0, 1))) == []
    assert len(protocol.under_way(tasks(manifest))) == 4
    assert len(ensured) == 1


def test_a_run_that_stopped_on_its_way_goes_on_and_is_not_begun_anew(manifest):
    (run,) = protocol.submit(tasks(manifest, protocols=("honest",), folds=(2,)))
    queue.withdraw(run)
    run.write_status(run.status().changed(state="failed"))
    assert [other.id for other in protocol.submit(tasks(manifest, protocols=("honest",), folds=(2,)))] == [run.id]


def test_a_finished_run_counts_unless_it_is_to_be_run_again(manifest):
    (run,) = protocol.submit(tasks(manifest, protocols=("honest",), folds=(2,)))
    queue.withdraw(run)
    run.write_status(run.status().changed(state="done"))
    choice = Choice(("alasfoor-2020",), ("honest",), (2,))
    assert [task.state for task in protocol.tasks(manifest, choice, index.rows())] == ["done"]
    assert [task.state for task in protocol.tasks(manifest, choice, index.rows(), again=True)] == ["missing"]
    assert store.ids() == [run.id]


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({"rows": ("alasfoor",)}, UnknownName, "alasfoor-2020"),
        ({"protocols": ("best",)}, UnknownName, "honest"),
        ({"folds": (5,)}, InvalidSpec, "folds 1 to 5"),
    ],
)
def test_a_row_protocol_or_fold_that_there_is_not_is_refused(choice, error, message):
    with pytest.raises(error, match=message):
        Choice(**choice)
