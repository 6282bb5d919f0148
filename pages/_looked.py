"""What a run's page is looking at: its predictions for the images and by the weights that a person chose, evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core import assessment, wording
from core.data import library
from core.errors import UnusableData
from core.evaluation import probes
from core.evaluation.metrics import Evaluation, evaluate_predictions
from core.report.tables import markdown_text
from core.runs import store
from pages import _plots, _teaching, parts

if TYPE_CHECKING:
    import pandas as pd

    from core.data.manifest import Manifest

OWN = {"test": "Test part", "validation": "Validation part", "train": "Training part"}


@dataclass(frozen=True)
class Looked:
    """What the page is looking at: a run's predictions for some images."""

    run: store.Run
    classes: tuple[str, ...]
    predictions: pd.DataFrame
    evaluation: Evaluation
    target: str
    weights: str
    key: tuple[str | float | None, ...]
    """Whatever the predictions rest on: what is computed of them may be kept under it."""

    @property
    def manifest(self) -> Manifest:
        data = self.run.recipe().data.name
        if self.run.recorded and self.target in OWN and not library.is_registered(data):
            rule, way_out = "A recorded run came without its pictures.", f"To see them, import the set under the name {data}."
            raise UnusableData(rule, f"the data set {data}, which is not on this machine", way_out)
        return library.open_dataset(data if self.target in OWN else self.target)


def look(run: store.Run, finished: float | None) -> Looked:
    """Ask which images and weights, and evaluate the answers; a network is run only for those that nobody asked for before."""
    recipe = run.recipe()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        others = [name for name in library.names() if name != recipe.data.name]
        target = parts.choose("Images", [*OWN, *others], "images", lambda name: OWN.get(name) or library.title(name))
        epochs = assessment.weights_epochs(run)
        weights = parts.choose("Weights", list(epochs), "weights", lambda kind: f"{kind}, epoch {epochs[kind]}")
    with st.spinner("Asking the network, drawing the intervals …"):
        if target in OWN:
            predictions, content = assessment.of_part(run, target, weights), recipe.data.sha256
        else:
            manifest = library.open_dataset(target)
            found, content = assessment.of_data(run, manifest, weights, some_classes=True), manifest.sha256
            predictions = found.predictions
            _about_other_data(found)
        key = run.id, target, content, weights, epochs[weights], finished
        evaluation = _plots.shared(("evaluation", *key), partial(evaluate_predictions, predictions, recipe.data.classes))
    for caution in _plots.shared(("cautions", run.id, finished, *probes.stored_keys()), partial(probes.cautions, run)):
        st.warning(caution, icon=":material/troubleshoot:")
    title = OWN.get(target) or library.title(target)
    split = f", split {run.split_kind()}" if target in OWN else ""
    st.header(f"{title}: {wording.count(evaluation.images, 'image')}{split}")
    _teaching.explain("split", "leakage")
    if target == "train":
        st.warning("The network learnt these images: figures on them say nothing about new ones.", icon=":material/warning:")
    if target == "validation" and weights == "best":
        st.info("The epoch was chosen by these images, so figures on them are somewhat too good.", icon=":material/info:")
    return Looked(run, recipe.data.classes, predictions, evaluation, target, weights, key)


def _about_other_data(found: assessment.External) -> None:
    if found.seen:
        st.info(f"{wording.count(found.seen, 'image')} left out: this run trained on them, or chose its epoch by them.")
    if found.other_classes:
        st.info(f"Classes that the run does not know are left out: {markdown_text(', '.join(found.other_classes))}.")
