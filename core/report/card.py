"""A run → a model card in Markdown (Mitchell et al. 2019) with the CLAIM 2024 checklist, filled from what the record holds, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core import wording
from core.report import claim, contents
from core.report.record import gather
from core.report.tables import Table, markdown, markdown_text
from core.runs.store import Run

if TYPE_CHECKING:
    from markupsafe import Markup

    from core.evaluation.metrics import Evaluation


def model_card(run: Run, extra_cautions: Sequence[str] = (), comparisons: Mapping[str, Evaluation] | None = None) -> str:
    """The card of `run` in GitHub's Markdown; what only the author can say is marked "to be stated by the author".

    Args:
        extra_cautions: sentences to stand first among the limitations.
        comparisons: other evaluations, such as simple probes or other data sets, as rows beside this run's.

    Raises:
        UnusableRun: it has no recipe or no status.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    record = gather(run, extra_cautions, comparisons)
    templates = Environment(
        loader=PackageLoader("core.report"),
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML: `finalize` escapes what is no Markdown yet
    )
    return templates.get_template("card.md").render(
        record=record,
        contents=contents,
        wording=wording,
        medical_note=wording.MEDICAL_NOTE,
        checklist=Table(claim.checklist(record)),
        kept=claim.KEPT[record.recipe.keep],
        table=_table,
        command=Markup(record.command),  # stands in a block of code, where nothing is escaped
    )


def _shown(value: Any) -> Any:
    return value if hasattr(value, "__html__") else markdown_text(str(value))


def _table(content: Table | None, caption: bool = True) -> Markup:
    from markupsafe import Markup

    return Markup("" if content is None else "\n" + markdown(content if caption else replace(content, caption="")))
