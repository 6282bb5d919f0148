"""The papers' results as data: every figure as it was printed, with its table and row. Nothing here was measured by this engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from core.data.vocabulary import COVID, NORMAL, PNEUMONIA

Part = Literal["train", "validation", "test"]
Unit = Literal["%", "share", "", "s"]
Orientation = Literal["rows are predicted", "rows are true"]
Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Figure:
    """One number, as printed. `metric` is the paper's word where `means` is given, which then says what was measured."""

    metric: str  # accuracy, loss, sensitivity, specificity, precision, recall, probability, time
    printed: str
    unit: Unit  # "%" of 100, "share" of 1, "" none, "s" seconds
    part: Part = "test"
    label: str = ""  # canonical name of the class it is of; empty: all
    epoch: int | None = None  # completed epochs; None: the end of training
    low: str = ""  # bounds of a 95 % interval, as printed
    high: str = ""
    means: str = ""

    @property
    def value(self) -> float:
        """Percentages as shares of 1, all else as printed."""
        return float(self.printed) / (100 if self.unit == "%" else 1)

    @property
    def resolution(self) -> float:
        """One unit of the last digit that was printed, in the unit of `value`."""
        return 10.0 ** -len(self.printed.partition(".")[2]) / (100 if self.unit == "%" else 1)

    def could_be(self, hits: int, images: int) -> bool:
        """Whether `hits` of `images` would be printed so, rounded or cut off."""
        return -self.resolution / 2 <= hits / images - self.value + 1e-12 <= self.resolution + 1e-9


@dataclass(frozen=True)
class Row:
    """One row of a results table (or one column, where a table lies on its side). `entries` of the catalogue that reproduce it."""

    paper: str
    table: str
    row: str
    entries: tuple[str, ...]
    figures: tuple[Figure, ...]
    test_images: Numbers = ()  # (all,) or one a class, where the paper says or shows it
    note: str = ""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix as printed; `by_truth` turns it."""

    paper: str
    table: str
    entry: str
    labels: tuple[str, ...]  # canonical
    counts: tuple[Numbers, ...]
    orientation: Orientation
    note: str = ""

    @property
    def by_truth(self) -> tuple[Numbers, ...]:
        """Images: rows are true, columns predicted."""
        return tuple(zip(*self.counts, strict=True)) if self.orientation == "rows are predicted" else self.counts

    @property
    def images(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        return sum(self.counts[i][i] for i in range(len(self.labels))) / self.images

    def recall(self, label: str) -> float:
        """Share of the images of `label` that were answered so."""
        i = self.labels.index(label)
        return self.by_truth[i][i] / sum(self.by_truth[i])

    def precision(self, label: str) -> float:
        """Share of the answers `label` that were right."""
        i = self.labels.index(label)
        return self.by_truth[i][i] / sum(row[i] for row in self.by_truth)


def rows(paper: str | None = None) -> tuple[Row, ...]:
    """All rows, or those of a paper, in the order of its tables."""
    return tuple(row for row in ROWS if paper in (None, row.paper))


def rows_of(entry: str) -> tuple[Row, ...]:
    """The rows that the catalogue's `entry` reproduces; an empty tuple where there are none."""
    return tuple(row for row in ROWS if entry in row.entries)


def matrices_of(entry: str) -> tuple[Matrix, ...]:
    return tuple(matrix for matrix in MATRICES if matrix.entry == entry)


def accuracy(entry: str) -> Figure | None:
    """The published test accuracy over all classes at the end of training, to stand beside a run's; None where none was published."""
    found = (figure for row in rows_of(entry) for figure in row.figures)
    return next((f for f in found if (f.metric, f.part, f.label, f.epoch, f.means) == ("accuracy", "test", "", None, "")), None)


def _benbakreti() -> Iterator[Row]:
    for entry, table, row, share, minutes, seconds in (
        ("cnn-1-epoch", "Table 2", "1 epoch", "75.61", 146, 58),
        ("cnn-5-epochs", "Table 2", "5 epochs", "89.13", 703, 16),
        ("alexnet", "Table 3", "AlexNet", "89.93", 14, 58),
        ("inception-v3", "Table 3", "GoogleNet", "91.87", 41, 34),
        ("resnet18", "Table 3", "ResNet18", "94.1", 33, 13),
    ):
        time = Figure("time", str(60 * minutes + seconds), "s", "train", means="time on the GPU of the paper")
        yield Row(
            "benbakreti-2022", table, row, (f"benbakreti-2022-{entry}",), (Figure("accuracy", share, "%"), time), (723, 2038, 1202, 269)
        )


def _lacruz() -> Iterator[Row]:
    for entry, row, *printed in (
        ("vgg16", "VGG16", "0.0278", "0.9906", "0.1783", "0.9391", "0.1512", "0.9562"),
        ("xception", "Xception", "0.0001", "1.0000", "0.1084", "0.9688", "0.1207", "0.9737"),
        ("resnet50", "ResNet-50", "0.0237", "0.9961", "0.2231", "0.9515", "0.1714", "0.9587"),
        ("resnet101", "ResNet-101", "0.0298", "0.9926", "0.3570", "0.9375", "0.2480", "0.9500"),
        ("inception-resnet-v2", "InceptionResNetV2", "0.0010", "0.9992", "0.3066", "0.9344", "0.2114", "0.9612"),
        ("densenet201", "DenseNet201", "0.0003", "1.0000", "0.2531", "0.9468", "0.1987", "0.9525"),
    ):
        kinds = [(metric, unit, part) for part in ("train", "validation", "test") for metric, unit in (("loss", ""), ("accuracy", "share"))]
        figures = tuple(Figure(metric, text, unit, part) for (metric, unit, part), text in zip(kinds, printed, strict=True))
        note = "The abstract gives 97.34 %." if row == "Xception" else ""
        name = f"lacruz-2020-{entry}"
        yield Row("lacruz-2020", "Table 2", row, (f"{name}-as-published", name), figures, (263, 268, 269), note)


def _bansal() -> Iterator[Row]:
    for entry, row, *printed in (
        ("vgg16", "VGG16", "97", "100", "94"),
        ("vgg19", "VGG19", "97", "100", "94"),
        ("resnet50v2", "ResNet50V2", "97", "93", "100"),
        ("inception-v3", "InceptionV3", "91", "79", "100"),
        ("xception", "Xception", "94", "86", "100"),
        ("nasnetalarge", "NASNetLarge", "94", "86", "100"),
    ):
        names = (("accuracy", ""), ("sensitivity", COVID), ("specificity", COVID))
        figures = tuple(Figure(metric, text, "%", label=label) for (metric, label), text in zip(names, printed, strict=True))
        note = "" if printed[0] == "97" else "This accuracy is no whole number of 30 test images; with 14 + 18 all three figures agree."
        yield Row("bansal-2020", "Table 1", row, (f"bansal-2020-{entry}",), figures, (), note)


def _alasfoor() -> Iterator[Row]:
    own, alexnet = ("alasfoor-2020",), ("alasfoor-2020-alexnet",)
    images = (25, 268, 775)
    for label, text in ((COVID, "95.7"), (NORMAL, "93.1"), (PNEUMONIA, "96.7")):
        figure = Figure("accuracy", text, "%", label=label, means="precision")
        yield Row("alasfoor-2020", "Table 3", "pneumonia" if label == PNEUMONIA else label, own, (figure,), images)
    for epoch, text in ((1, "62.67"), (13, "92.00"), (20, "95.8")):
        yield Row("alasfoor-2020", "Table 4", f"epoch {epoch}", own, (Figure("accuracy", text, "%", "validation", epoch=epoch),))
    yield Row("alasfoor-2020", "Table 5", "AlexNet", alexnet, (Figure("accuracy", "95.00", "%"),))
    yield Row("alasfoor-2020", "Table 5", "Proposed CNN", own, (Figure("accuracy", "95.8", "%"),), images)


def _zhong() -> Iterator[Row]:
    entry, micro = ("zhong-2020",), "micro average over answers with a probability of at least 0.5"
    for row, part, label, loss, *shares in (
        ("Train", "train", "", "0.986", "0.9325", "0.9463", "0.9133"),
        ("Test", "test", "", "0.5632", "0.873", "0.8967", "0.8446"),
        ("COVID-19 (From Test)", "test", COVID, "0.4304", "0.98", "0.9798", "0.97"),
    ):
        figures = (
            Figure("loss", loss, "", part, label),
            Figure("accuracy", shares[0], "share", part, label, means="recall" if label else ""),
            Figure("precision", shares[1], "share", part, label, means=micro),
            Figure("recall", shares[2], "share", part, label, means=micro),
        )
        images = {"Train": (398, 1341, 3875), "Test": (100, 242, 398)}.get(row, (100,))
        yield Row("zhong-2020", "Table 3", row, entry, figures, images if part == "test" else ())
    for label, mean, low, high in (
        (COVID, "0.8445", "0.8185", "0.8705"),
        (NORMAL, "0.6763", "0.6462", "0.7063"),
        (PNEUMONIA, "0.7761", "0.7541", "0.7981"),
    ):
        figure = Figure("probability", mean, "share", label=label, low=low, high=high, means="mean predicted probability of the true class")
        yield Row("zhong-2020", "Table 4", label, entry, (figure,))


def _darkcovidnet() -> Iterator[Row]:
    for name, row, text in (("darkcovidnet-2020", "3 classes", "87.02"), ("darkcovidnet-2020-binary", "2 classes", "98.08")):
        yield Row("darkcovidnet-2020", "Means of five folds", row, (name,), (Figure("accuracy", text, "%"),))
    note = "One stored fold, not the mean."
    for name, row, text, images in (
        ("darkcovidnet-2020", "3 classes, one fold", "89.33", (28, 109, 88)),
        ("darkcovidnet-2020-binary", "2 classes, one fold", "97.60", (24, 101)),
    ):
        yield Row("darkcovidnet-2020", "Stored fold", row, (name,), (Figure("accuracy", text, "%"),), images, note)


ROWS = (*_benbakreti(), *_lacruz(), *_bansal(), *_alasfoor(), *_zhong(), *_darkcovidnet())

_THREE = (COVID, NORMAL, PNEUMONIA)
MATRICES = (
    Matrix("alasfoor-2020", "Figure 3", "alasfoor-2020", _THREE, ((22, 1, 0), (0, 244, 18), (3, 23, 757)), "rows are predicted"),
    Matrix("zhong-2020", "Table 5", "zhong-2020", _THREE, ((98, 0, 2), (9, 197, 36), (5, 42, 351)), "rows are true"),
    Matrix("darkcovidnet-2020", "Stored fold", "darkcovidnet-2020", _THREE, ((24, 1, 3), (0, 102, 7), (1, 12, 75)), "rows are true"),
    Matrix("darkcovidnet-2020", "Stored fold", "darkcovidnet-2020-binary", (COVID, NORMAL), ((21, 3), (0, 101)), "rows are true"),
)
"""Benbakreti et al. print the matrix of ResNet-18 as a picture only (Figure 3), which the text at hand does not hold."""
