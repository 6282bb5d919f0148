"""Tables as files: what goes in is what a reader, a spreadsheet or a typesetter shows."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.report import tables
from core.report.tables import Table

SPECIAL = r"50 % & $5 #1 a_b {x} ~ ^ \ ± – — − “q” ‘q’ … <i> | [z] *s* -- `c' × ≤ ≥ ° · → é ü"
QUICK = settings(max_examples=40, deadline=None, derandomize=True)
TEXT = st.text(st.one_of(st.sampled_from(SPECIAL + "\n,;=+-@'\""), st.characters(exclude_categories=["Cs", "Cc"])), max_size=12)
ROWS = st.lists(st.tuples(TEXT, TEXT).map(lambda cells: dict(zip(("first", "second"), cells, strict=True))), min_size=1, max_size=4)

CLASSES = Table(
    [{"class": "covid", "n": 12, "sensitivity": 0.8412345}, {"class": "normal", "n": 30, "sensitivity": None}],
    caption="Test part",
    notes=("95 % intervals.", "Weights of epoch 3."),
)


def read(text: str, **options: object) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text, newline=""), keep_default_na=False, **options)


def test_csv_keeps_numbers_in_full() -> None:
    table = pd.read_csv(io.StringIO(tables.csv(CLASSES)))
    pd.testing.assert_frame_equal(table, CLASSES.frame, check_dtype=False)


def test_csv_ends_its_lines_as_the_standard_says() -> None:
    assert tables.csv(CLASSES) == "class,n,sensitivity\r\ncovid,12,0.8412345\r\nnormal,30,\r\n"


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_in_csv_never_becomes_a_formula(cell: str) -> None:
    (found,) = read(tables.csv(Table([{cell: cell}])), dtype=str).itertuples(index=False, name=None)
    assert found == (f"'{cell}",)
    assert tables.csv(Table([{cell: 1}])).lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-7.3", "+2.0", "-4", -7.3, -4])
def test_negative_numbers_in_csv_stay_numbers(cell: object) -> None:
    assert float(read(tables.csv(Table([{"difference": cell}])))["difference"].iloc[0]) == float(cell)


@QUICK
@given(ROWS)
def test_csv_brings_back_every_text(rows: list[dict[str, str]]) -> None:
    found = read(tables.csv(Table(rows)), dtype=str, skip_blank_lines=False).to_dict("records")
    assert [{name: cell.removeprefix("'") for name, cell in row.items()} for row in found] == [
        {name: cell.removeprefix("'") for name, cell in row.items()} for row in rows
    ]


def test_markdown_has_caption_table_and_notes() -> None:
    assert tables.markdown(CLASSES) == (
        "**Test part**\n\n| class | n | sensitivity |\n| --- | ---: | ---: |\n| covid | 12 | 0.8412 |\n| normal | 30 |  |\n"
        "\n95 % intervals.\n\nWeights of epoch 3.\n"
    )


@QUICK
@given(ROWS)
def test_markdown_shows_every_text_as_it_is(rows: list[dict[str, str]]) -> None:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py reads the Markdown back")
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(tables.markdown(Table(rows)))
    cells = [token.children for token in tokens if token.type == "inline"]
    assert all(child.type == "text" for children in cells for child in children)
    shown = [re.sub(r"\s+", " ", "".join(child.content for child in children)).strip() for children in cells]
    assert shown == ["first", "second", *(tables._one_line(cell) for row in rows for cell in row.values())]


def test_latex_has_booktabs_rules_and_notes_below() -> None:
    assert tables.latex(CLASSES) == "\n".join(
        [
            r"\begin{table}", r"\centering", r"\caption{Test part}", r"\begin{tabular}{lrr}", r"\toprule",
            r"class & n & sensitivity \\", r"\midrule", r"covid & 12 & 0.8412 \\", r"normal & 30 &  \\", r"\bottomrule",
            r"\end{tabular}", r"\par\smallskip{\footnotesize 95 \% intervals.\par}",
            r"\par\smallskip{\footnotesize Weights of epoch 3.\par}", r"\end{table}", "",
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a & b", r"a \& b"), ("5 %", r"5 \%"), ("$", r"\$"), ("#", r"\#"), ("a_b", r"a\_b"), ("{}", r"\{\}"),
        ("~", r"\textasciitilde{}"), ("^", r"\textasciicircum{}"), ("\\", r"\textbackslash{}"), ("\\&", r"\textbackslash{}\&"),
        ("3 ± 1", r"3 $\pm$ 1"), ("1–2", r"1\textendash{}2"), ("[1]", "{[}1{]}"), ("*", "{*}"),
        ("two\nlines", "two lines"), ("---", "-{}-{}-"), ("-7.3", "-7.3"),
    ],
)  # fmt: skip
def test_latex_escapes_what_is_special_to_it(text: str, written: str) -> None:
    assert tables.latex_text(text) == written


@QUICK
@given(TEXT)
def test_latex_of_any_text_has_balanced_braces_and_no_bare_special_character(text: str) -> None:
    bare = re.sub(r"\\[a-zA-Z]+|\\[&%$#_{}]|\$[^$]*\$", "", tables.latex_text(text))
    depths = np.cumsum([{"{": 1, "}": -1}.get(character, 0) for character in bare])
    assert not len(depths) or (depths.min() >= 0 and depths[-1] == 0)
    assert not set(bare) & set("&%$#_^~\\\n")


def test_pdflatex_typesets_a_table_of_special_characters(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    cells = {SPECIAL: [SPECIAL, "[1]", "*", "", "\\\\", "-- x"], "n": [1, 2, 3, 4, 5, None]}
    table = tables.latex(Table(pd.DataFrame(cells), caption=SPECIAL, notes=(SPECIAL, "[2]")))
    document = "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
    (tmp_path / "table.tex").write_text(document % table, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "table.tex"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60)
    assert outcome.returncode == 0, outcome.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "table.log").read_text(errors="replace")
