"""The table, what it says in words, and the document that holds it."""

import pytest

from core.benchmark import charts, counting, document, reading, recorded
from core.benchmark import table as tables
from core.benchmark.table import AgainstProbe, Figure
from core.errors import UnusableData, UnusableRun

pytestmark = pytest.mark.usefixtures("records")


def figure(value, low, high):
    return Figure(value=value, low=low, high=high)


@pytest.fixture
def table():
    return tables.stored()


def changed(table, **values):
    line = table.lines[0].model_copy(update=values)
    return table.model_copy(update={"lines": (line,)})


def test_the_stored_table_is_what_the_records_give(table):
    assert counting.count(recorded.rows()) == table


def test_a_row_has_pooled_accuracies_their_gap_and_the_best_probe(table):
    (line,) = table.lines
    assert {name: (side.images, side.seeds) for name, side in line.sides.items()} == {"published": (72, 1), "honest": (72, 1)}
    published, honest = (line.sides[name].accuracy.value for name in ("published", "honest"))
    assert line.gap.value == pytest.approx(published - honest)
    assert line.against.difference.value == pytest.approx(honest - line.against.accuracy.value)
    assert table.from_scratch
    assert tables.FROM_SCRATCH in table.title


def test_a_row_that_lacks_folds_has_the_interval_and_the_probe_of_its_own_test_images():
    first = [row for row in recorded.rows() if row.fold == 0]
    table = counting.count(first)
    (line,) = table.lines
    side = line.sides["honest"]
    (own,) = [row for row in first if row.run_id == side.runs[0]]
    assert (side.seeds, side.images) == (0, own.test_images)
    assert side.accuracy.value == pytest.approx(own.accuracy)
    assert side.accuracy.low < side.accuracy.value < side.accuracy.high
    assert side.text.endswith(", 1 of 5 folds")
    assert line.against.difference.value == pytest.approx(side.accuracy.value - line.against.accuracy.value)
    assert line.gap is None
    assert "of the test images of their own folds" in " ".join(table.notes())
    assert reading.read(table)[0].endswith(" 1 more has fewer folds by patient.")
    assert not any("highest accuracy" in sentence for sentence in reading.read(table))


def test_what_was_not_run_is_listed(table):
    assert {(one.recipe, one.protocol) for one in table.missing} >= {("zhong-2020", "honest"), ("alasfoor-2020", "published")}
    assert next(one for one in table.missing if one.recipe == "alasfoor-2020").folds == (3, 4, 5)


def test_no_records_make_no_table():
    with pytest.raises(UnusableRun, match="needs a recorded run"):
        counting.count([])


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (figure(0.05, 0.02, 0.08), "1 has more with random folds than by patient, by an interval that leaves zero out"),
        (figure(0.05, -0.02, 0.12), "none has more with random folds by an interval that leaves zero out"),
        (figure(-0.05, -0.08, -0.02), "1 has less with random folds than by patient, by an interval that leaves zero out"),
    ],
)
def test_a_gap_is_said_to_be_one_only_where_its_interval_leaves_zero_out(table, gap, said):
    assert said in " ".join(reading.read(changed(table, gap=gap)))


@pytest.mark.parametrize("verdict", ["above", "below", "not told apart"])
def test_the_reading_repeats_the_verdict_against_the_probe(table, verdict):
    share = figure(0.8, 0.7, 0.9)
    against = AgainstProbe(probe="border", sees="the border", accuracy=share, difference=share, p_holm=0.01, verdict=verdict)
    text = " ".join(reading.read(changed(table, against=against)))
    said = {"above": "shown to be better", "below": "shown to be worse", "not told apart": "not to be told apart"}
    assert [words in text for words in said.values()] == [name == verdict for name in said]


def test_the_reading_says_how_often_the_network_for_uploads_is_wrong(table):
    wrong = 1 - table.lines[0].sides["honest"].accuracy.value
    assert f"wrong on {100 * wrong:.1f} %" in " ".join(reading.read(table))


def test_the_document_takes_the_tables_between_its_marks(table, tmp_path, monkeypatch):
    path = tmp_path / "benchmark.md"
    monkeypatch.setattr(document, "path", lambda: path)
    path.write_text(f"before\n{document.BEGIN}\nold\n{document.END}\nafter\n")
    document.write(table)
    document.write(table)
    assert document.written() == document.markdown(table)
    assert path.read_text().startswith("before\n")
    assert path.read_text().endswith(f"{document.END}\nafter\n")
    path.write_text("no marks")
    with pytest.raises(UnusableData, match="two marks"):
        document.write(table)


def test_a_row_of_fewer_classes_stands_below_without_the_probe_and_is_no_rival_in_cost(table):
    line = table.lines[0]
    both = table.model_copy(update={"lines": (line.model_copy(update={"recipe": "zhong-2020", "classes": 2}), line)})
    drawn = charts.sides(both)
    assert list(drawn.layout.yaxis.ticktext) == [line.recipe, "zhong-2020 (2 classes)"]
    assert [(shape.y0, shape.y1) for shape in drawn.layout.shapes] == [(-0.5, 0.5)]
    assert sum(len(trace.x) for trace in charts.cost(both, "parameters").data if "markers" in trace.mode) == 1


def test_figures_have_a_point_for_every_row_and_protocol(table):
    assert [len(trace.x) for trace in charts.sides(table).data if trace.mode == "markers"] == [1, 1]
    assert sum(len(trace.x) for trace in charts.cost(table, "parameters").data if "markers" in trace.mode) == 1
