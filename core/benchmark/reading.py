"""What the benchmark's table says, in plain words. Each sentence is counted from the table; what it does not show is not said."""

from __future__ import annotations

from collections.abc import Iterator

from core import wording
from core.benchmark.protocol import HONEST, PROTOCOLS, PUBLISHED, rows
from core.benchmark.table import Line, Table
from core.recipes import catalogue, published
from core.runs import store


def read(table: Table) -> tuple[str, ...]:
    """Coverage, the best row, the gap between the protocols, the probes, the paper with the same images, first weights, uploads."""
    return tuple(_sentences(table))


def _sentences(table: Table) -> Iterator[str]:
    yield _coverage(table)
    honest = [line for line in table.lines if _whole(line, HONEST.name)]
    if honest:
        yield _best(table, honest)
    yield from _gaps([line for line in table.lines if line.gap])
    yield from _against_probes([line for line in table.lines if line.against])
    yield from _same_images(table)
    if table.from_scratch:
        yield from _scratch(table)
    yield from _uploads(table)


def _whole(line: Line, protocol: str) -> bool:
    return protocol in line.sides and line.sides[protocol].whole


def _coverage(table: Table) -> str:
    counts = {name: sum(_whole(line, name) for line in table.lines) for name in PROTOCOLS}
    part = sum(HONEST.name in line.sides and not _whole(line, HONEST.name) for line in table.lines)
    return (
        f"All folds were run for {counts[HONEST.name]} of {wording.count(len(rows()), 'row')} with folds by patient, and for "
        f"{counts[PUBLISHED.name]} with random folds."
        + (f" {part} more {'has' if part == 1 else 'have'} fewer folds by patient." if part else "")
    )


def _best(table: Table, honest: list[Line]) -> str:
    """Among rows on the same images: those that take all classes."""
    most = max(line.sides[HONEST.name].images for line in honest)
    rivals = [line for line in honest if line.sides[HONEST.name].images == most]
    best = max(rivals, key=lambda line: line.sides[HONEST.name].accuracy.value)
    accuracy = best.sides[HONEST.name].accuracy
    if len(rivals) == 1:
        return f"By patient, {best.recipe} is right on {accuracy.text} of {most:,} images of {len(table.classes)} classes."
    close = [line.recipe for line in rivals if line is not best and line.sides[HONEST.name].accuracy.high >= accuracy.low]
    said = f"By patient, {best.recipe} has the highest accuracy of {len(rivals)} rows on the same {most:,} images, {accuracy.text}"
    return f"{said}; its interval overlaps with that of {wording.listed(close)}." if close else f"{said}; no other interval reaches it."


def _gaps(lines: list[Line]) -> Iterator[str]:
    if not lines:
        return
    largest = max(lines, key=lambda line: line.gap.value)
    above = [line for line in lines if line.gap.low > 0]
    below = [line for line in lines if line.gap.high < 0]
    compared = f"Of {wording.count(len(lines), 'row')} run under both protocols"
    if not above:
        yield f"{compared}, none has more with random folds by an interval that leaves zero out: here that gain is too small to be told."
    else:
        yield f"{compared}, {_have(above)} more with random folds than by patient, by an interval that leaves zero out."
    if below:
        yield f"{compared}, {_have(below)} less with random folds than by patient, by an interval that leaves zero out."
    yield f"The largest gap is that of {largest.recipe}: {largest.gap.points} points."
    if all(side.seeds == 1 for line in lines for side in line.sides.values()):
        yield "Both sides of a gap rest on one seed: another one draws other folds and other first weights, and may decide otherwise."


def _have(lines: list[Line]) -> str:
    return f"{len(lines)} {'has' if len(lines) == 1 else 'have'}"


def _against_probes(lines: list[Line]) -> Iterator[str]:
    if not lines:
        return
    best = max(lines, key=lambda line: (line.sides[HONEST.name].images, line.against.accuracy.value)).against
    yield f"The best probe, which sees only {best.sees}, is right on {best.accuracy.text} of the same images."
    for verdict, said in (
        ("above", "shown to be better than the best probe on their images"),
        ("below", "shown to be worse than the best probe on their images"),
        ("not told apart", "not to be told apart from it"),
    ):
        names = [line.recipe for line in lines if line.against.verdict == verdict]
        if names:
            verb = "is" if len(names) == 1 else "are"
            yield f"{len(names)} of {wording.count(len(lines), 'row')} {verb} {said}: {wording.listed(names)}."


def _same_images(table: Table) -> Iterator[str]:
    """Of the one paper whose images these are."""
    for line in table.lines:
        figure = published.accuracy(line.recipe)
        side = line.sides.get(PUBLISHED.name)
        if figure and side and side.whole and catalogue.get(line.recipe).paper == "darkcovidnet-2020":
            low, high = side.accuracy.low, side.accuracy.high
            where = "above" if figure.value > high else "below" if figure.value < low else "within"
            yield f"{line.recipe} was published with {line.published} on this set: that lies {where} our interval with random folds."


def _scratch(table: Table) -> Iterator[str]:
    pretrained = [line.recipe for line in table.lines if catalogue.get(line.recipe).changes.get("weights.source") == "imagenet"]
    if pretrained:
        count = wording.count(len(pretrained), "row")
        yield f"In {count} the paper began from ImageNet weights and we did not: those say nothing of the papers’ own figures."


def _uploads(table: Table) -> Iterator[str]:
    if not table.answers:
        return
    row = store.at(table.answers).recipe().name
    wrong = 1 - next(line for line in table.lines if line.recipe == row).sides[HONEST.name].accuracy.value
    yield (
        f"Uploads on a new machine are answered by one small network of {row}, the fold with the best validation accuracy. It is weak: its "
        f"row is wrong on {wording.percent(wrong)} of test images from the same sources, and elsewhere it may be wrong more often."
    )
