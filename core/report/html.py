"""A run → one HTML file that opens anywhere, without network: what it is, what to beware of, what was found, how to repeat it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core import wording
from core.report import contents
from core.report.record import Record, gather
from core.runs.store import Run

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.evaluation.metrics import Evaluation


def report(
    run: Run,
    extra_cautions: Sequence[str] = (),
    comparisons: Mapping[str, Evaluation] | None = None,
    further_figures: Mapping[str, go.Figure] | None = None,
) -> str:
    """A page of its own on `run`, about 5 MB: the library that draws its figures is in it. Follows the reader's light or dark mode.

    A run without predictions gets a page that says what is missing and why.

    Args:
        extra_cautions: sentences to stand first among the cautions.
        comparisons: other evaluations, such as simple probes or other data sets, as rows beside this run's.
        further_figures: figures by their titles, such as ROC curves, after the confusion matrix.

    Raises:
        UnusableRun: it has no recipe or no status.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    record = gather(run, extra_cautions, comparisons)
    templates = Environment(
        loader=PackageLoader("core.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    figures = _figures(record, further_figures or {})
    return templates.get_template("report.html").render(
        record=record,
        contents=contents,
        wording=wording,
        medical_note=wording.MEDICAL_NOTE,
        facts=_facts(record),
        headline=_headline(record),
        figures={name: figure for name, figure in figures.items() if name not in ("Curves", "Confusion matrix")},
        has=figures.keys(),
        figures_json=figures,
        plotly_js=get_plotlyjs(),
    )


def _figures(record: Record, further: Mapping[str, go.Figure]) -> dict[str, dict[str, Any]]:
    """Each figure as JSON by its title. Names are escaped first: Plotly reads a few tags and entities in its texts."""
    from core import figures

    found: dict[str, go.Figure] = {}
    if record.evaluation is not None:
        names = [html.escape(name, quote=False) for name in record.evaluation.classes]
        found["Confusion matrix"] = figures.confusion(record.evaluation.confusion, names)
    if record.history:
        found["Curves"] = figures.curves(record.history, record.recipe.epochs)
    return {name: _plain(figure) for name, figure in (found | dict(further)).items()}


def _plain(figure: go.Figure) -> dict[str, Any]:
    """`figure` without its template, whose colours the page sets by the reader's mode."""
    content = json.loads(figure.to_json())
    content["layout"].pop("template", None)
    return content


def _facts(record: Record) -> dict[str, str]:
    status, recipe = record.status, record.recipe
    facts = {
        "Network": record.network,
        "Data": f"{recipe.data.title}: {', '.join(recipe.data.classes)}",
        "State": status.state + (f" — {status.message}" if status.message else ""),
        "Created": wording.moment(status.created),
        "Finished": wording.moment(status.finished),
        "Epochs": f"{record.epochs_done} of {recipe.epochs}" + (f", weights of epoch {status.best_epoch}" if status.best_epoch else ""),
        "Images": f"{recipe.image.size} × {recipe.image.size} px",
        "First weights": recipe.weights.source + (f" {recipe.weights.place}" if recipe.weights.place else ""),
        "Split": record.split_kind or "",
        "Run": record.run_id,
    }
    return {name: text for name, text in facts.items() if text}


def _headline(record: Record) -> list[tuple[str, str, str]]:
    """Name, value and interval of the figures shown large."""
    if record.evaluation is None:
        return []
    found = [(name, record.evaluation.metrics[name]) for name in contents.HEADLINE if name in record.evaluation.metrics]
    return [
        (wording.METRICS[name], wording.figure(name, estimate.value), wording.bounds(name, estimate.low, estimate.high))
        for name, estimate in found
    ]
