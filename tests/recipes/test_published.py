"""The papers' figures agree with their own matrices and images, and each belongs to an entry of the catalogue."""

from __future__ import annotations

import pytest

from core.data.vocabulary import canonical
from core.recipes import catalogue, published
from core.recipes.published import Figure, Matrix, Row

every_matrix = pytest.mark.parametrize("matrix", published.MATRICES, ids=lambda matrix: matrix.entry)


def row(entry: str, name: str) -> Row:
    (found,) = [row for row in published.rows_of(entry) if row.row == name]
    return found


def figure(entry: str, name: str, metric: str, part: str = "test") -> Figure:
    (found,) = [figure for figure in row(entry, name).figures if (figure.metric, figure.part) == (metric, part)]
    return found


def test_every_row_names_entries_of_its_paper_and_every_entry_of_a_paper_has_a_row() -> None:
    for found in published.ROWS:
        assert found.entries
        for name in found.entries:
            assert catalogue.get(name).paper == found.paper
    for entry in catalogue.entries():
        if entry.paper:
            assert any((found.table, found.row) == (entry.table, entry.row) for found in published.rows_of(entry.name)), entry.name


def test_every_entry_of_a_paper_has_one_published_accuracy() -> None:
    for entry in catalogue.entries():
        accuracy = published.accuracy(entry.name)
        assert (accuracy is not None) == bool(entry.paper)
        assert accuracy is None or 0.75 < accuracy.value < 0.99


def test_rows_come_in_the_order_of_the_papers() -> None:
    assert list(dict.fromkeys(found.paper for found in published.ROWS)) == [paper.key for paper in catalogue.papers()]
    assert published.rows("bansal-2020") == published.ROWS[11:17]
    assert [len(published.rows(paper.key)) for paper in catalogue.papers()] == [5, 6, 6, 8, 6, 4]


def test_no_row_stands_twice_and_classes_have_canonical_names() -> None:
    places = [(found.paper, found.table, found.row) for found in published.ROWS]
    assert len(set(places)) == len(places)
    for found in published.ROWS:
        for one in found.figures:
            assert canonical(one.label) == one.label


def test_a_figure_is_a_share_whatever_its_unit_and_knows_its_last_digit() -> None:
    percent, share = Figure("accuracy", "94.1", "%"), Figure("accuracy", "0.9737", "share")
    assert (percent.value, percent.resolution) == (pytest.approx(0.941), pytest.approx(0.001))
    assert (share.value, share.resolution) == (0.9737, pytest.approx(0.0001))
    assert Figure("loss", "0.986", "").value == 0.986
    assert share.could_be(779, 800)
    assert not share.could_be(778, 800)


@every_matrix
def test_a_matrix_gives_the_accuracy_beside_it(matrix: Matrix) -> None:
    assert all(len(line) == len(matrix.labels) for line in matrix.counts)
    assert len(matrix.counts) == len(matrix.labels)
    rows = [found for found in published.rows_of(matrix.entry) if found.test_images == tuple(map(sum, matrix.by_truth))]
    shown = [one for found in rows for one in found.figures if (one.metric, one.means, one.label) == ("accuracy", "", "")]
    assert len(shown) == 1
    assert matrix.accuracy == pytest.approx(shown[0].value, abs=shown[0].resolution / 2)


def test_alasfoors_matrix_has_rows_of_answers_and_its_class_accuracies_are_precisions() -> None:
    (matrix,) = published.matrices_of("alasfoor-2020")
    assert (matrix.images, [sum(line) for line in matrix.by_truth]) == (1068, [25, 268, 775])
    assert [round(100 * matrix.recall(label), 1) for label in matrix.labels] == [88.0, 91.0, 97.7]
    figures = [one for found in published.rows("alasfoor-2020") if found.table == "Table 3" for one in found.figures]
    assert [one.label for one in figures] == list(matrix.labels)
    for one in figures:
        assert one.means == "precision"
        assert round(matrix.precision(one.label), 3) == pytest.approx(one.value)


def test_zhongs_matrix_has_rows_of_truth_and_98_of_100_found() -> None:
    (matrix,) = published.matrices_of("zhong-2020")
    assert ([sum(line) for line in matrix.by_truth], matrix.by_truth[0][0]) == ([100, 242, 398], 98)
    assert matrix.recall("COVID-19") == figure("zhong-2020", "COVID-19 (From Test)", "accuracy").value == 0.98
    assert [sum(column) for column in zip(*matrix.by_truth, strict=True)] == [112, 239, 389]


def test_zhongs_precision_and_recall_are_micro_averages_of_answers_above_a_half() -> None:
    """Of 740 answers 697 reach one half, 625 of them right; of the 100 for COVID-19 99, 97 right."""
    for name, right, answers, images in (("Test", 625, 697, 740), ("COVID-19 (From Test)", 97, 99, 100)):
        assert figure("zhong-2020", name, "precision").could_be(right, answers)
        assert figure("zhong-2020", name, "recall").could_be(right, images)


def test_zhongs_intervals_hold_their_means() -> None:
    for name in ("COVID-19", "Normal", "Pneumonia"):
        one = figure("zhong-2020", name, "probability")
        assert float(one.low) < one.value < float(one.high)


def test_lacruz_figures_are_counts_of_the_parts_with_the_copies_in_them() -> None:
    """1,051 + 1,073 + 1,076 images for training and validation, a fifth of them validation; 800 test images, 263 of COVID-19."""
    images = {"train": 2560, "validation": 640, "test": 263 + 268 + 269}
    for found in published.rows("lacruz-2020"):
        for one in found.figures:
            if one.metric == "accuracy":
                assert one.could_be(round(one.value * images[one.part]), images[one.part]), found.row


def test_benbakretis_accuracies_are_counts_of_4232_images() -> None:
    for found in published.rows("benbakreti-2022"):
        one, images = found.figures[0], sum(found.test_images)
        assert images == 4232
        assert one.could_be(round(one.value * images), images), found.row


def test_bansals_figures_fit_14_and_18_images_but_not_all_of_them_14_and_16() -> None:
    """Rounded to whole percent. With 14 + 16 the accuracies of three networks are no count of 30; with 14 + 18 all agree."""

    def agree(found: Row, covid: int, normal: int) -> bool:
        accuracy, sensitivity, specificity = (float(one.printed) for one in found.figures)
        hits = round(sensitivity / 100 * covid), round(specificity / 100 * normal)
        shares = (sum(hits) / (covid + normal), hits[0] / covid, hits[1] / normal)
        return all(abs(100 * share - text) <= 0.5 for share, text in zip(shares, (accuracy, sensitivity, specificity), strict=True))

    found = published.rows("bansal-2020")
    assert [one.row for one in found if not agree(one, 14, 16)] == ["InceptionV3", "Xception", "NASNetLarge"]
    assert [one.row for one in found if one.note] == ["InceptionV3", "Xception", "NASNetLarge"]
    assert all(agree(one, 14, 18) for one in found)
