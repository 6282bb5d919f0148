"""The data sets at a glance, their audit's light, and forgetting one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.data import audit, library
from core.data.sources import cards
from core.errors import UnknownName


def test_an_empty_machine_has_the_phantom_that_can_be_drawn():
    (card,) = cards.cards()
    assert (card.name, card.title, card.imported) == ("phantom", "phantom (synthetic)", 0)
    assert cards.light("phantom") == "not audited"


def test_a_card_says_what_is_known_and_what_is_not(make_folder):
    folder = make_folder({"a": 4, "b": 2}, patients=2)
    library.import_folder(folder, "mine")
    card = next(card for card in cards.cards() if card.name == "mine")
    assert (card.images, card.classes, card.patients) == (6, "a 4, b 2", "3")
    assert (card.source, card.licence) == (str(folder), "unknown")


@pytest.mark.parametrize("light", ["green", "amber", "red"])
def test_the_light_is_that_of_the_kept_audit_of_this_content(light, make_folder, monkeypatch):
    library.import_folder(make_folder({"a": 2, "b": 2}), "mine")
    monkeypatch.setattr(audit, "stored", lambda manifest: SimpleNamespace(light=light) if manifest.name == "mine" else None)
    assert cards.light("mine") == light


def test_a_set_that_was_not_audited_or_is_gone_has_no_light(make_folder, monkeypatch):
    folder = make_folder({"a": 2, "b": 2})
    library.import_folder(folder, "mine")
    monkeypatch.setattr(audit, "stored", lambda _: None)
    assert cards.light("mine") == "not audited"
    folder.rename(folder.with_name("elsewhere"))
    assert cards.light("mine") == "not audited"


def test_a_new_audit_changes_the_number_that_lights_are_kept_by(artifacts):
    before = cards.audits_changed()
    (artifacts / "audits").mkdir(parents=True)
    (artifacts / "audits" / "one.json").write_text("{}")
    assert cards.audits_changed() != before


def test_a_removed_set_is_forgotten_and_its_imported_images_stay(make_folder, artifacts):
    folder = make_folder({"a": 2, "b": 2})
    record = library.import_folder(folder, "mine")
    assert not cards.owns_images(record)
    cards.remove("mine")
    assert not library.is_registered("mine")
    assert len(list(folder.rglob("*.png"))) == 4
    assert not [path for path in (artifacts / "datasets").iterdir() if "mine" in path.name]


def test_images_in_the_apps_own_folder_go_with_the_set(make_folder, artifacts):
    own = artifacts / "datasets" / "mine" / "images"
    own.parent.mkdir(parents=True)
    make_folder({"a": 2, "b": 2}).rename(own)
    record = library.import_folder(own, "mine")
    assert cards.owns_images(record)
    cards.remove("mine")
    assert not own.exists()


@pytest.mark.parametrize("name", ["mine", "phantom", "../runs", ""])
def test_only_a_registered_set_can_be_removed(name):
    with pytest.raises(UnknownName):
        cards.remove(name)
