"""Class names of data sets and the field's own: told alike where they mean the same, and never guessed where they may not."""

from __future__ import annotations

import pytest

from core.data.phantom import CLASSES
from core.data.vocabulary import SPELLINGS, canonical, resolve
from core.errors import InvalidSpec


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Covid-19", "COVID-19"),
        ("COVID", "COVID-19"),
        ("covid19", "COVID-19"),
        ("COVID-like", "COVID-19"),
        ("No_findings", "Normal"),
        ("NORMAL", "Normal"),
        ("healthy", "Normal"),
        ("PNEUMONIA", "Pneumonia"),
        ("Viral Pneumonia", "Viral Pneumonia"),
        ("Pneumonia-Viral", "Viral Pneumonia"),
        ("bacterial_pneumonia", "Bacterial Pneumonia"),
        ("Lung_Opacity", "Lung Opacity"),
        ("TB", "Tuberculosis"),
    ],
)
def test_a_spelling_has_its_canonical_name(label: str, name: str) -> None:
    assert canonical(label) == name


def test_a_canonical_name_is_its_own_and_so_is_an_unknown_label() -> None:
    for name in (*SPELLINGS, "Grade 3", "", "肺炎", "Non-COVID"):
        assert canonical(name) == name


def test_no_spelling_stands_for_two_names() -> None:
    keys = ["".join(filter(str.isalnum, text)).lower() for name, others in SPELLINGS.items() for text in (name, *others)]
    assert len(set(keys)) == len(keys)


def test_the_phantoms_classes_stay_apart() -> None:
    assert len({canonical(label) for label in CLASSES}) == len(CLASSES)


def test_canonical_names_find_a_sets_labels() -> None:
    assert resolve(["COVID-19", "Normal"], ["Covid-19", "No_findings", "Pneumonia"]) == {"COVID-19": "Covid-19", "Normal": "No_findings"}
    assert resolve([], ["a"]) == {}


def test_a_label_as_it_is_written_comes_first() -> None:
    assert resolve(["COVID", "COVID-19"], ["COVID", "COVID-19"]) == {"COVID": "COVID", "COVID-19": "COVID-19"}
    assert resolve(["Covid-19", "grade 2"], ["COVID", "grade 2"]) == {"Covid-19": "COVID", "grade 2": "grade 2"}


def test_kinds_of_pneumonia_stand_in_for_each_other_where_that_is_plain() -> None:
    assert resolve(["Pneumonia"], ["COVID", "Viral Pneumonia"]) == {"Pneumonia": "Viral Pneumonia"}
    assert resolve(["Viral Pneumonia"], ["COVID", "PNEUMONIA"]) == {"Viral Pneumonia": "PNEUMONIA"}
    assert resolve(["Pneumonia"], ["Pneumonia", "Viral Pneumonia"]) == {"Pneumonia": "Pneumonia"}
    with pytest.raises(InvalidSpec, match="has the class Viral Pneumonia"):
        resolve(["Viral Pneumonia"], ["COVID", "Bacterial Pneumonia"])
    with pytest.raises(InvalidSpec, match=r"One class is meant by Pneumonia\. Received: Bacterial Pneumonia and Viral Pneumonia"):
        resolve(["Pneumonia"], ["Bacterial Pneumonia", "Viral Pneumonia"])


def test_two_names_are_not_found_in_one_class() -> None:
    with pytest.raises(InvalidSpec) as refusal:
        resolve(["Pneumonia", "Viral Pneumonia"], ["Normal", "Pneumonia"])
    assert len(refusal.value.problems) == 2
    assert "Pneumonia, meant twice" in str(refusal.value)


def test_all_that_is_missing_or_ambiguous_is_said_with_what_the_set_has() -> None:
    with pytest.raises(InvalidSpec) as refusal:
        resolve(["COVID-19", "Normal", "Pneumonia"], ["COVID", "covid19", "healthy", "tb"])
    assert [str(problem) for problem in refusal.value.problems] == [
        "One class is meant by COVID-19. Received: COVID and covid19. Name the one that is meant as it is written.",
        "The data set has the class Pneumonia. Received: classes COVID, covid19, healthy, tb."
        " Choose another data set or recipe, or rename the class.",
    ]
