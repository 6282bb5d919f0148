"""One table → CSV, Markdown or LaTeX, for a paper or a spreadsheet. It knows rows of text and numbers, not what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """Rows of text and number cells, all under the same columns; None and NaN are empty cells.

    `rows`: a mapping a row (column → cell), or a DataFrame, whose index is left out.
    """

    rows: Sequence[Mapping[str, Any]] | pd.DataFrame
    caption: str = ""
    notes: tuple[str, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        import pandas as pd

        return self.rows.reset_index(drop=True) if isinstance(self.rows, pd.DataFrame) else pd.DataFrame(list(self.rows))

    @property
    def columns(self) -> dict[str, bool]:
        """Each column's name, and whether all that it holds are numbers."""
        from pandas.api.types import is_bool_dtype, is_numeric_dtype

        return {str(name): is_numeric_dtype(values) and not is_bool_dtype(values) for name, values in self.frame.items()}

    @property
    def texts(self) -> list[list[str]]:
        """Every cell as people read it: numbers in four digits, empty cells as ""."""
        return [[_text(cell) for cell in row] for row in self.frame.itertuples(index=False, name=None)]


def csv(table: Table) -> str:
    """RFC 4180, to be stored as UTF-8; numbers in full, without caption and notes, for which the format has no place.

    A text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return, and is no number) gets an
    apostrophe before it, as OWASP advises; so do names of columns.
    """
    frame = table.frame.map(_no_formula).rename(columns=lambda name: _no_formula(str(name)))
    return frame.to_csv(index=False, lineterminator="\r\n")


def markdown(table: Table) -> str:
    """GitHub's Markdown: the caption bold above the table, a note a paragraph below it. Cells are text, whatever they hold."""
    rows = [list(table.columns), *table.texts]
    lines = ["| " + " | ".join(map(markdown_text, row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(" ---: " if numeric else " --- " for numeric in table.columns.values()) + "|")
    caption = [f"**{markdown_text(table.caption)}**", ""] if table.caption else []
    notes = [line for note in table.notes for line in ("", markdown_text(note))]
    return "\n".join([*caption, *lines, *notes]) + "\n"


def latex(table: Table) -> str:
    """A `table` environment for LaTeX with the package booktabs; the caption above, notes below.

    Special characters are escaped, and dashes, quotes, ± and the like are written as commands, so that plain pdflatex with UTF-8
    compiles it. Letters that pdflatex does not know (Greek, Chinese …) stay as they are: those need xelatex or lualatex.
    """
    import pandas as pd

    columns = table.columns
    frame = pd.DataFrame([[latex_text(cell) for cell in row] for row in table.texts], columns=[latex_text(name) for name in columns])
    alignment = "".join("r" if numeric else "l" for numeric in columns.values())
    body = frame.to_latex(index=False, escape=False, column_format=alignment).rstrip("\n")
    caption = [f"\\caption{{{latex_text(table.caption)}}}"] if table.caption else []
    notes = [f"\\par\\smallskip{{\\footnotesize {latex_text(note)}\\par}}" for note in table.notes]
    return "\n".join(["\\begin{table}", "\\centering", *caption, body, *notes, "\\end{table}"]) + "\n"


def markdown_text(text: str) -> str:
    """`text` as one line of Markdown that shows it as it is."""
    return _MARKDOWN_SPECIAL.sub(r"\\\g<0>", _one_line(text)).replace("&", "&amp;")


def latex_text(text: str) -> str:
    """`text` as one line of LaTeX that shows it as it is."""
    return re.sub("-(?=-)", "-{}", _one_line(text).translate(_LATEX))  # two hyphens stay two, and are no dash


def _text(cell: Any) -> str:
    import pandas as pd

    if pd.isna(cell):
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _no_formula(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def _one_line(text: str) -> str:
    """White space and control characters as single spaces: in a table's cell a line break is an error, or ends the row."""
    return _BLANK.sub(" ", text).strip()


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_MARKDOWN_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$#!]")
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "|": r"\textbar{}", **{special: f"\\{special}" for special in "&%$#_{}"},
        "[": "{[}", "]": "{]}", "*": "{*}",  # after the end of a row, \\[ and \\* would be read as its options
        "`": r"\textasciigrave{}", "'": "{'}",  # two of them are no closing quote
        "–": r"\textendash{}", "—": r"\textemdash{}", "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "°": r"$^\circ$",
        "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$", "→": r"$\rightarrow$", "…": r"\ldots{}",
        "“": "{``}", "”": "{''}", "„": r"{,,}", "‘": "{`}", "’": "{'}",
    }
)  # fmt: skip
