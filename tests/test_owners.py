"""Private things are seen by their owner and administrators; what one person stores is limited."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core import access, owners
from core.access import ANONYMOUS, LOCAL
from core.data import library
from core.errors import BeyondLimit, NotAllowed, UnknownName
from core.recipes import fitting
from core.recipes.recipe import Recipe
from core.runs import index, limits, store
from tests.people import ADMIN, OPERATOR, OTHER, SIGNING_IN, VIEWER


@pytest.fixture(autouse=True)
def signing_in(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text(SIGNING_IN)


@pytest.fixture
def recipe(make_folder) -> Recipe:
    with access.acting(LOCAL):
        draft = fitting.draft(model="alasfoor-cnn22", **{"image.size": 24, "epochs": 1, "batch_size": 8})
        return fitting.fit(draft, library.open_dataset(str(make_folder({"a": 12, "b": 12}, patients=2))))[0]


@pytest.fixture
def private(recipe: Recipe) -> store.Run:
    """Of OPERATOR."""
    with access.acting(OPERATOR):
        run = store.create(recipe)
        owners.show_to(run.folder, "private")
    return run


def test_a_run_of_the_command_line_is_the_machines_own_and_shared(recipe):
    with access.acting(LOCAL):
        run = store.create(recipe)
    assert run.owner() == owners.Owner("", "shared")
    with access.acting(VIEWER):
        assert store.find(run.id) == run


def test_a_private_run_is_listed_and_opened_for_its_owner_and_administrators_alone(private):
    for who, sees in ((ANONYMOUS, False), (VIEWER, False), (OTHER, False), (OPERATOR, True), (ADMIN, True), (LOCAL, True)):
        with access.acting(who):
            assert (private.id in [row.run_id for row in index.rows()]) is sees
            assert (private.id in store.ids()) is sees
            if sees:
                assert store.find(private.id) == private


@pytest.mark.parametrize("cut", [None, -1, 15])
def test_a_forged_link_to_a_private_run_reads_as_one_to_a_run_that_is_not_there(private, cut):
    with access.acting(OTHER):
        for wanted in (private.id[:cut], "20200101-000000-gone-0000"):
            with pytest.raises(UnknownName) as caught:
                store.find(wanted)
            assert private.id not in str(caught.value).replace(repr(wanted), "")


def test_sharing_again_shows_in_the_index_at_once(private):
    with access.acting(OTHER):
        assert index.rows() == []
    with access.acting(OPERATOR):
        owners.show_to(private.folder, "shared")
    with access.acting(OTHER):
        assert [row.owner for row in index.rows()] == [OPERATOR.name]


def test_others_do_not_change_who_sees_a_run(private):
    for who in (ANONYMOUS, VIEWER, OTHER):
        with access.acting(who), pytest.raises(NotAllowed):
            owners.show_to(private.folder, "shared")
    assert private.owner().visibility == "private"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 1, "visibility": "shared"}', '{"name": "x", "visibility": "all"}'])
def test_a_damaged_owner_file_hides_the_run(private, text):
    (private.folder / owners.FILE).write_text(text)
    with access.acting(OPERATOR):
        assert private.id not in store.ids()
    with access.acting(ADMIN):
        assert private.id in store.ids()


def test_who_brought_a_data_set_in_is_kept(make_folder, artifacts, monkeypatch):
    folder = make_folder({"c": 3, "d": 3}, name="other")
    monkeypatch.setenv("CXRLAB_IMPORT_FOLDERS", str(folder))
    with access.acting(OPERATOR):
        library.import_folder(folder, "mine")
    assert json.loads((artifacts / "datasets" / "mine" / "owner.json").read_text())["name"] == OPERATOR.name


def test_storage_is_counted_over_runs_and_data_sets_and_refused_beyond_the_limit(recipe, private, monkeypatch):
    size = 3_000_000
    (private.folder / "model.safetensors").write_bytes(b"")
    os.truncate(private.folder / "model.safetensors", size)
    assert size < owners.used_by(OPERATOR.name) < size + 10_000
    assert owners.used_by(OTHER.name) == 0
    monkeypatch.setenv("CXRLAB_STORAGE_GB", "0.002")
    with access.acting(OPERATOR):
        with pytest.raises(BeyondLimit, match=r"less than 0\.002 GB"):
            store.create(recipe)
        with pytest.raises(BeyondLimit):
            library.import_zip(b"PK", "new")
    for who in (OTHER, LOCAL):
        with access.acting(who):
            store.create(recipe)


def test_unfinished_runs_of_one_person_are_limited(recipe, monkeypatch):
    monkeypatch.setenv("CXRLAB_QUEUED_JOBS", "2")
    with access.acting(OPERATOR):
        runs = [store.create(recipe), store.create(recipe)]
        with pytest.raises(BeyondLimit, match="at most 2 unfinished runs"):
            limits.require_turn()
        runs[0].write_status(runs[0].status().changed(state="cancelled"))
        limits.require_turn()
        with pytest.raises(BeyondLimit):
            limits.require_turn(2)
    for who in (OTHER, LOCAL):
        with access.acting(who):
            limits.require_turn(2)
