"""Every entry of the catalogue: complete, consistent, and honest about what is not published."""

from __future__ import annotations

import re
from urllib.parse import urlparse

import pytest

from core.data import phantom, sources
from core.data.sources.spec import Archive, Composed, Kaggle, MedMnist
from core.errors import UnknownName

EVERY = pytest.mark.parametrize("spec", sources.SOURCES, ids=lambda spec: spec.name)


@EVERY
def test_a_source_has_a_name_for_the_import_a_citation_and_a_caution(spec):
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", spec.name)
    assert spec.title
    assert spec.citation
    assert spec.layout
    assert spec.cautions
    assert sources.source(spec.name) is spec


@EVERY
def test_what_is_not_published_is_said_to_be_so(spec):
    facts = spec.facts()
    assert all(facts[name] for name in facts if name != "Homepage")
    assert (facts["Licence"] == "not published") == (not spec.licence)
    assert (facts["Size to fetch"] == "not published") == (spec.bytes is None)


@EVERY
def test_a_download_names_one_version_for_ever(spec):
    match spec.way:
        case Archive(url=url):
            assert urlparse(url).scheme == "https"
            assert re.search(r"/archive/[0-9a-f]{40}\.zip$", url)
        case Kaggle(handle=handle, version=version):
            assert re.fullmatch(r"[\w-]+/[\w-]+", handle)
            assert version >= 1


@EVERY
def test_the_classes_of_a_source_sum_to_no_more_than_its_images(spec):
    if spec.images and spec.classes:
        assert sum(spec.classes.values()) <= spec.images


def test_names_are_unique_and_an_unknown_one_is_answered_with_the_nearest():
    assert len(set(sources.names())) == len(sources.SOURCES)
    with pytest.raises(UnknownName, match="darkcovidnet"):
        sources.source("darkcovidnett")


def test_medmnist_files_are_those_of_its_own_package():
    from medmnist.info import INFO

    for way in (spec.way for spec in sources.SOURCES if isinstance(spec.way, MedMnist)):
        suffix = way.file.removeprefix(way.flag).removesuffix(".npz")
        assert INFO[way.flag][f"url{suffix}"].split("?")[0].endswith(way.file)


def test_medmnist_counts_and_licence_are_those_of_its_own_package():
    from medmnist.info import INFO

    for spec in (spec for spec in sources.SOURCES if isinstance(spec.way, MedMnist)):
        assert spec.images == sum(INFO[spec.way.flag]["n_samples"].values())
        assert spec.licence == INFO[spec.way.flag]["license"]


def test_composed_sets_are_built_from_sources_of_the_catalogue_and_count_as_their_papers_do():
    composed = {spec.name: spec for spec in sources.SOURCES if isinstance(spec.way, Composed)}
    assert {need for spec in composed.values() for need in spec.way.needs} <= set(sources.names())
    assert dict(composed["alasfoor-abed"].classes) == {"COVID-19": 123, "Normal": 1_585, "Pneumonia": 4_275}
    zhong = composed["zhong-cxr"].classes
    assert dict(zhong) == {"COVID-19": 398 + 100, "Normal": 1_341 + 242, "Pneumonia": 3_875 + 398}
    assert sum(zhong.values()) == 6_354


def test_zhongs_covid_images_are_all_of_two_sets_and_the_rest_of_the_third():
    parts = [part for part in sources.source("zhong-cxr").way.parts if part.label == "COVID-19"]
    counts = [part.count or sources.source(part.source).classes["COVID"] for part in parts]
    assert sum(counts) == 498


def test_the_phantom_of_the_catalogue_is_the_one_that_is_drawn():
    assert tuple(sources.source("phantom").classes) == phantom.CLASSES


def test_deviations_are_told_in_the_fields_own_names_and_none_where_nothing_is_published():
    spec = sources.source("chest-xray-pneumonia")
    assert spec.deviations({"NORMAL": 1_583, "PNEUMONIA": 4_273}) == []
    assert spec.deviations({"NORMAL": 1_580, "PNEUMONIA": 4_273}) == ["Normal: 1,580 imported, 1,583 published"]
    assert spec.deviations({"NORMAL": 1_583, "PNEUMONIA": 4_273, "COVID": 2}) == ["COVID-19: 2 imported, 0 published"]
    assert sources.source("cohen-covid").deviations({"COVID-19": 3}) == []


@pytest.mark.parametrize(
    ("name", "step", "text"),
    [
        ("darkcovidnet", (1_500_000, 417_000_000), "1.5 of 417.0 MB"),
        ("darkcovidnet", (1_500_000, 0), "1.5 MB"),
        ("darkcovidnet", (0, 0), "waiting"),
        ("zhong-cxr", (12, 6_354), "12 of 6,354 images"),
    ],
)
def test_progress_is_told_in_the_unit_of_the_work(name, step, text):
    assert sources.source(name).progress(*step) == text
