"""The command line's verbs about public sets."""

import json

import pytest

from core.__main__ import main
from core.data import library, sources


@pytest.fixture
def run(capsys):
    """Run `data sources …`; returns (exit status, standard output)."""

    def run_(*arguments):
        capsys.readouterr()
        code = main(["data", "sources", *arguments])
        return code, capsys.readouterr().out

    return run_


def test_every_source_is_listed_with_what_is_known_of_it(run):
    code, out = run("list", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["name"] for row in rows] == list(sources.names())
    assert all({"licence", "citation", "homepage", "bytes", "images", "classes", "how", "cautions"} <= row.keys() for row in rows)
    assert "not published" in run("list")[1]


def test_one_source_is_shown_with_its_cautions(run):
    code, out = run("show", "darkcovidnet")
    assert code == 0
    assert "width and height alone reach 99.8 %" in out
    assert "ee3e2cffc0824711bed675275506b26f19be7198" in out


def test_an_unknown_source_is_wrong_usage(run):
    assert run("fetch", "darkcovidnett")[0] == 2


def test_a_composed_set_is_fetched_and_its_path_given(run, make_folder):
    library.import_folder(make_folder({"COVID": 2}, name="one"), "cohen-covid")
    library.import_folder(make_folder({"NORMAL": 2, "PNEUMONIA": 3}, name="two"), "chest-xray-pneumonia")
    code, out = run("fetch", "alasfoor-abed", "--json")
    path = json.loads(out)["path"]
    assert code == 0
    assert library.import_folder(path, "alasfoor-abed").classes == {"COVID-19": 2, "Normal": 2, "Pneumonia": 3}
    assert run("fetch", "zhong-cxr", "--json")[0] == 1
