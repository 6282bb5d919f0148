"""Sizes, greys and mean images by class: what tells classes apart that is no disease."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import figures
from core.data import exploration
from core.report.tables import markdown_text
from pages import _downloads, _plots, parts
from pages._explored import Explored, light, reporter

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.data.manifest import Manifest

A_ROW = 4  # classes side by side


def show(explored: Explored) -> None:
    manifest = explored.manifest
    report, end = reporter("Reading the images, once")
    with parts.errors_here():
        measured = exploration.measure(manifest, report)
    end()
    means = exploration.mean_images(measured, manifest)
    drawn = _plots.shared(("numbers", *explored.key), partial(_figures, manifest, measured, means))
    st.header("Sizes")
    colour, sentence = exploration.size_reading(measured, list(manifest.classes))
    with st.container(horizontal=True, vertical_alignment="center"):
        light(colour)
        st.markdown(markdown_text(sentence))
    shares, marks = st.columns(2, gap="medium")
    with shares:
        st.caption("Most frequent sizes: where bars differ, the size betrays the class")
        _plots.show(drawn["size shares"], "size shares")
    with marks:
        st.caption("Width and height: a mark’s area is the number of images")
        _plots.show(drawn["sizes"], "sizes")
    st.header("Greys")
    _plots.show(drawn["greys"], "greys")
    _downloads.of_figure(drawn["greys"], f"{manifest.name}-greys")
    st.caption("Mean over a class’s images at 64 × 64 pixels. Exposure and black margins come from the machine, not from the disease.")
    st.header("Mean images")
    _means(means, drawn)


def _figures(manifest: Manifest, measured: exploration.Measured, means: Sequence[exploration.MeanImage]) -> dict[str, go.Figure]:
    classes, counts = list(manifest.classes), exploration.size_counts(manifest, measured.sizes)
    return {
        "size shares": figures.size_shares(exploration.size_shares(counts, classes)),
        "sizes": figures.sizes(counts, classes),
        "greys": figures.greys(measured.histograms, classes),
        **{f"difference {mean.label}": figures.grey_difference(mean.difference, mean.limit) for mean in means},
    }


def _means(means: Sequence[exploration.MeanImage], drawn: Mapping[str, go.Figure]) -> None:
    for start in range(0, len(means), A_ROW):
        for column, mean in zip(st.columns(A_ROW if len(means) > A_ROW else len(means)), means[start : start + A_ROW], strict=False):
            with column:
                st.image(mean.picture, width="stretch", alt=f"Mean image of {mean.label}")
                st.caption(f"**{markdown_text(mean.label)}**")
                _plots.show(drawn[f"difference {mean.label}"], f"difference {mean.label}")
    st.caption(
        "Above, the mean of a class; below, that less the mean of all images: red is brighter, blue darker. Letters, borders and "
        "collimation that show in a mean stand in the same place in many images of the class."
    )
