"""Named recipes: each composes, and says its assumptions; a file is a recipe too."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidSpec, UnknownName, UnusableData
from core.models import registry
from core.recipes import catalogue
from core.recipes.labels import resolved
from core.recipes.recipe import Recipe, compose
from core.recipes.specs import DataSpec

DATA = DataSpec(name="set", sha256="0" * 64, classes=("a", "b", "c"))
CHESTS = DataSpec(name="chests", sha256="0" * 64, classes=("Covid-19", "No_findings", "Pneumonia"))
every_entry = pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.name)
every_entry_of_a_paper = pytest.mark.parametrize(
    "entry", [entry for entry in catalogue.entries() if entry.paper], ids=lambda entry: entry.name
)


@every_entry
def test_every_entry_composes_on_any_data(entry: catalogue.Entry) -> None:
    recipe = catalogue.make(DATA, entry.name)
    assert (recipe.data, recipe.model, recipe.name) == (DATA, entry.model, entry.name)
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert catalogue.make(DATA, entry.name).id == recipe.id


@every_entry
def test_every_change_of_an_entry_is_a_change(entry: catalogue.Entry) -> None:
    """A field that repeats the default would be a second place for the same number."""
    for field in entry.changes:
        without = {name: value for name, value in entry.changes.items() if name != field}
        assert compose(DATA, entry.model, name=entry.name, **without) != catalogue.make(DATA, entry.name), field


@every_entry
def test_an_entry_of_a_paper_names_its_table_and_what_it_assumes(entry: catalogue.Entry) -> None:
    assert entry.title
    assert bool(entry.paper) == bool(entry.table) == bool(entry.row)
    if entry.paper:
        assert entry.name.startswith(entry.paper)
        assert entry.paper in registry.get(entry.model).papers
        assert entry.assumptions
        assert entry.deviations
        for text in (*entry.assumptions, *entry.deviations):
            assert text.endswith(".")


@every_entry_of_a_paper
def test_pretrained_networks_have_imagenets_weights_and_scaling_and_own_ones_neither(entry: catalogue.Entry) -> None:
    recipe = catalogue.make(DATA, entry.name)
    own = entry.model in ("benbakreti-cnn", "alasfoor-cnn22", "zhong-vgg", "darkcovidnet")
    assert recipe.weights.source == ("random" if own else "imagenet")
    assert (recipe.image.normalisation == "imagenet") != own


@every_entry
def test_an_entry_does_not_differ_from_itself(entry: catalogue.Entry) -> None:
    recipe = catalogue.make(CHESTS, entry.name, seed=4, **{"split.fold": 2, "split.seed": 3, "precision": "fp32", "reference": True})
    assert catalogue.differences(recipe) == []
    assert catalogue.differences(resolved(recipe, CHESTS.classes)) == []


def test_names_are_unique() -> None:
    names = [entry.name for entry in catalogue.entries()]
    assert len(set(names)) == len(names)


def test_alasfoor_is_trained_as_table_2_says() -> None:
    recipe = catalogue.make(DATA, "alasfoor-2020")
    assert (recipe.optimiser.name, recipe.optimiser.lr, recipe.optimiser.momentum) == ("sgd", 0.01, 0.9)
    assert (recipe.schedule.name, recipe.schedule.drop_every, recipe.schedule.drop_factor) == ("step", 5, 0.2)
    assert (recipe.epochs, recipe.batch_size, recipe.image.size) == (20, 64, 224)
    assert recipe.image.normalisation == "train-mean-image"
    assert recipe.image.equalise == "clahe"
    assert set(recipe.augmentation.model_dump(exclude={"only", "probability"}).values()) == {0}


def test_benbakretis_networks_are_trained_as_section_5_says() -> None:
    recipes = [
        catalogue.make(DATA, f"benbakreti-2022-{name}") for name in ("cnn-1-epoch", "cnn-5-epochs", "alexnet", "inception-v3", "resnet18")
    ]
    assert [(recipe.epochs, recipe.image.size) for recipe in recipes] == [(1, 299), (5, 299), (1, 227), (1, 299), (1, 224)]
    assert {(recipe.optimiser.name, recipe.optimiser.lr, recipe.batch_size) for recipe in recipes} == {("sgd", 0.001, 64)}
    assert [round(recipe.image.size * (1 + recipe.augmentation.crop)) for recipe in recipes] == [299] * 5


def test_lacruz_and_lorenzos_networks_are_trained_as_section_3_says_in_both_forms() -> None:
    clean, published = (catalogue.make(DATA, f"lacruz-2020-xception{form}") for form in ("", "-as-published"))
    assert (clean.optimiser.name, clean.optimiser.lr, clean.optimiser.momentum, clean.batch_size, clean.epochs) == (
        "sgd",
        0.003,
        0.9,
        32,
        20,
    )
    assert clean.head.model_dump() == {"kind": "pooled", "hidden": 512, "batch_norm": True, "dropout": 0.5}
    assert (clean.image.size, clean.keep, clean.frozen, clean.copies.of) == (128, "best-accuracy", False, {"COVID-19": 6})
    assert clean.augmentation.only == ("COVID-19",)
    assert (clean.copies.before_split, published.copies.before_split) == (False, True)
    assert clean.augmentation.probability == 5 / 6  # of six images that one becomes, five are changed
    always = clean.model_copy(update={"augmentation": clean.augmentation.model_copy(update={"probability": 1.0})})
    assert published.model_copy(update={"copies": clean.copies, "name": clean.name}) == always


def test_bansals_networks_are_frozen_under_a_new_head_and_see_150_images() -> None:
    for name in ("vgg16", "vgg19", "resnet50v2", "inception-v3", "xception", "nasnetalarge"):
        recipe = catalogue.make(DATA, f"bansal-2020-{name}")
        assert recipe.frozen
        assert recipe.feature_views == 8
        assert any("turned 8 times" in text for text in catalogue.get(recipe.name).deviations)
        assert (recipe.head.kind, recipe.head.hidden, recipe.image.size, recipe.augmentation.rotation) == ("pooled", 64, 224, 15)
        assert (recipe.subset.labels, recipe.subset.caps) == (("COVID-19", "Normal"), {"COVID-19": 70, "Normal": 80})


def test_zhongs_network_is_trained_in_three_stages_with_class_weights() -> None:
    recipe = catalogue.make(DATA, "zhong-2020")
    assert (recipe.image.size, recipe.augmentation.crop, recipe.epochs, recipe.batch_size) == (80, 0.2, 10, 32)
    assert (recipe.loss.label_smoothing, recipe.loss.class_weights) == (0.12, {"COVID-19": 10, "Normal": 3, "Pneumonia": 1})
    assert (recipe.optimiser.name, recipe.optimiser.lr) == ("adam", 4e-4)
    assert (recipe.schedule.name, recipe.schedule.stages) == ("stages", ((3, 0.5), (6, 0.25)))


def test_darkcovidnet_is_trained_in_one_cycle_of_100_epochs() -> None:
    recipe = catalogue.make(DATA, "darkcovidnet-2020")
    assert (recipe.schedule.name, recipe.optimiser.name, recipe.optimiser.lr, recipe.epochs) == ("one-cycle", "adamw", 3e-3, 100)
    assert (recipe.image.size, recipe.batch_size) == (256, 32)
    assert catalogue.make(DATA, "darkcovidnet-2020-binary").subset.labels == ("COVID-19", "Normal")


def test_our_own_recipe_starts_from_random_weights_and_turns_no_image_but_into_its_mirror() -> None:
    recipe = catalogue.make(DATA, "cxrlab-best")
    assert (recipe.model, recipe.image.size, recipe.weights.source, recipe.keep) == ("edgenet", 384, "random", "best-accuracy")
    changing = {name for name, value in recipe.augmentation.model_dump(exclude={"probability"}).items() if value}
    assert changing == {"flip"}
    assert catalogue.get("cxrlab-best").paper == ""


def test_every_paper_is_described_with_its_cautions_and_has_entries() -> None:
    papers = catalogue.papers()
    assert len({paper.key for paper in papers}) == len(papers) == 6
    assert [paper.key for paper in papers if paper.further] == ["darkcovidnet-2020"]
    for paper in papers:
        assert paper.cautions
        assert paper.title
        assert paper.data
        assert paper.did
        assert paper.key.endswith(str(paper.year))
    assert {entry.paper for entry in catalogue.entries()} - {""} == {paper.key for paper in papers}


def test_differences_name_the_field_the_entrys_value_and_the_recipes() -> None:
    recipe = catalogue.make(CHESTS, "bansal-2020-vgg16", **{"epochs": 3, "weights.source": "random", "subset.caps": {"Covid-19": 9}})
    assert catalogue.differences(recipe) == [
        ("subset.caps", {"Covid-19": 70, "No_findings": 80}, {"Covid-19": 9}),
        ("weights.source", "imagenet", "random"),
        ("epochs", 25, 3),
    ]
    assert catalogue.differences(compose(DATA, "resnet18", epochs=3)) == []
    assert catalogue.differences(compose(DATA, "resnet18", name="gone")) == []


def test_a_saved_recipe_is_made_anew_on_other_data_and_keeps_where_it_came_from() -> None:
    recipe = catalogue.make(CHESTS, "zhong-2020", epochs=2)
    path = catalogue.save(resolved(recipe, CHESTS.classes), "mine")
    assert Recipe.from_json(path.read_text(encoding="utf-8")).epochs == 2
    assert catalogue.saved() == ("mine",)
    other = DataSpec(name="other", sha256="1" * 64, classes=("COVID", "Normal", "Viral Pneumonia"))
    again = catalogue.make(other, "mine", seed=3)
    assert (again.name, again.data, again.epochs, again.seed) == ("zhong-2020", other, 2, 3)
    assert resolved(again, other.classes).loss.class_weights == {"COVID": 10, "Normal": 3, "Viral Pneumonia": 1}
    assert catalogue.differences(again) == [("epochs", 10, 2)]
    assert (catalogue.get("mine").model, catalogue.get("mine").paper) == ("zhong-vgg", "")


def test_a_saved_recipe_is_overwritten_only_when_asked_and_a_catalogue_name_never() -> None:
    recipe = catalogue.make(DATA, "demo")
    catalogue.save(recipe, "mine")
    with pytest.raises(InvalidSpec, match="not overwritten unasked"):
        catalogue.save(recipe, "mine")
    catalogue.save(recipe.model_copy(update={"epochs": 2}), "mine", overwrite=True)
    assert catalogue.make(DATA, "mine").epochs == 2
    with pytest.raises(InvalidSpec, match="own recipes stay as they are"):
        catalogue.save(recipe, "demo", overwrite=True)
    assert catalogue.saved() == ("mine",)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Großes", ".hidden", "mine.json", "x" * 65, "a b"])
def test_a_name_that_no_file_should_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidSpec, match="A recipe's name has 1 to 64"):
        catalogue.save(catalogue.make(DATA, "demo"), name)
    assert catalogue.saved() == ()


def test_an_unknown_name_suggests_saved_ones_too() -> None:
    catalogue.save(catalogue.make(DATA, "demo"), "my-xception")
    with pytest.raises(UnknownName, match="my-xception"):
        catalogue.get("my-xceptoin")


def test_changes_win_over_the_entry_and_none_leaves_it() -> None:
    recipe = catalogue.make(DATA, "alasfoor-2020", **{"optimiser.lr": 0.5, "epochs": None, "seed": 3})
    assert (recipe.optimiser.lr, recipe.optimiser.name, recipe.epochs, recipe.seed) == (0.5, "sgd", 20, 3)
    assert catalogue.make(DATA, "alasfoor-2020").optimiser.lr == 0.01  # the entry itself is as it was


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UnknownName, match=r"A recipe is chosen by its name\. Received: 'alasfor'\. Did you mean alasfoor-2020 or alasfoor-2020-alexnet"
    ):
        catalogue.make(DATA, "alasfor")


def test_a_file_is_a_recipe_on_other_data(tmp_path: Path) -> None:
    stored = catalogue.make(DATA, "alasfoor-2020", seed=7)
    (tmp_path / "mine.json").write_text(stored.to_json(), encoding="utf-8")
    other = DataSpec(name="other", sha256="1" * 64, classes=("x", "y"))
    recipe = catalogue.make(other, str(tmp_path / "mine.json"), epochs=3)
    assert recipe == stored.model_copy(update={"data": other, "epochs": 3})


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"gone\.json \(No such file or directory\)\. Check the path"):
        catalogue.make(DATA, str(tmp_path / "gone.json"))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UnusableData, match=r"bytes\.json"):
        catalogue.make(DATA, str(tmp_path / "bytes.json"))


def test_a_file_says_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    broken = catalogue.make(DATA, "demo").to_json().replace('"epochs": 8', '"epochs": 0, "epoch": 3')
    (tmp_path / "broken.json").write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidSpec, match=r"epochs is at least 1\. Received: 0(?s:.)*Received: epoch\. Did you mean epochs\?"):
        catalogue.make(DATA, str(tmp_path / "broken.json"))
