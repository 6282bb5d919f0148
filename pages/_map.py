"""One answer's heat map: which class, method, layer and look; the picture with what must stand beside it; whether it is to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import wording
from core.data import images
from core.explain import checks, overlay, places
from core.explain.methods import METHODS
from pages import _teaching

if TYPE_CHECKING:
    from core.explain.heatmap import HeatMap
    from core.inference import Answer, Predictor


def ask(predictor: Predictor, answer: Answer) -> tuple[str, str, str]:
    """The class, method and layer of the map."""
    label = st.selectbox("Show what speaks for", predictor.classes, predictor.classes.index(answer.label))
    with st.popover("Method and look", icon=":material/tune:"):
        method = st.selectbox(
            "Method", list(METHODS), format_func=lambda name: METHODS[name].title + (" (slow)" if METHODS[name].slow else "")
        )
        st.caption(f"{METHODS[method].shows} {METHODS[method].limit}")
        layer = st.selectbox("Layer", predictor.layers, predictor.layers.index(predictor.architecture.cam_layer))
        st.segmented_control("Drawn as", ["colours", "contours"], default="colours", required=True, key="style")
        st.slider("Opacity of the heat map", 0.0, 1.0, 0.5, 0.05, key="opacity")
        st.selectbox("Colours", overlay.COLOUR_MAPS, key="colours")
        st.selectbox("Beside it, on the same scale", [None, *predictor.classes], format_func=lambda name: name or "nothing", key="beside")
    return label, method, layer


def draw(predictor: Predictor, answer: Answer, heat: HeatMap) -> None:
    method, state = METHODS[heat.method], st.session_state
    of = f" for “{heat.label}”" if method.uses_class else ""
    if state["beside"]:
        other = predictor.heat_map(answer.prepared, state["beside"], heat.method, heat.layer)
        picture = overlay.side_by_side(
            answer.prepared,
            [heat, other],
            [heat.label, other.label],
            style=state["style"],
            opacity=state["opacity"],
            colours=state["colours"],
        )
    elif state["style"] == "contours":
        picture = overlay.contours(answer.prepared, heat, state["colours"])
    else:
        picture = overlay.blend(answer.prepared, heat, state["opacity"], state["colours"])
    caption = f"{method.title}{of} over the image as the network saw it"
    st.image(picture, caption=caption, width="stretch", alt=f"{caption}; {places.hottest(heat)}")
    for warning in heat.warnings():
        st.warning(warning, icon=":material/warning:")
    st.caption(
        f"Raw magnitude {heat.peak:.3g} (in {method.unit}). The colours are scaled to it, so a weak map looks like a strong one. "
        "A heat map shows what raised the answer, not whether the answer is right."
    )
    _teaching.explain("heat_map", "gradcam", "raw_magnitude")
    with st.expander("The image as the network saw it, without the map"):
        caption = f"{answer.prepared.shape[0]} px, prepared as in training"
        st.image(answer.prepared, caption=caption, width="stretch", alt=f"The image without the map: {caption}")


def trust(predictor: Predictor, answer: Answer, heat: HeatMap) -> None:
    with st.expander("Is this map to be trusted?", icon=":material/verified_user:"):
        _teaching.explain("randomisation")
        own = st.file_uploader(
            "A mask of your own, white where the lungs are", type=["png"], help="Otherwise they are estimated by brightness."
        )
        if own:
            image = predictor.recipe.image
            lungs = places.fit_mask(images.read(own.getvalue(), own.name).pixels > 127, image.size, image.resize)
        else:
            lungs = places.lung_estimate(answer.prepared)
        inside = places.heat_inside(heat, lungs)
        where = "by the mask given" if own else "roughly estimated by brightness alone: no segmentation"
        st.write(
            f"**Share of the heat in the lungs** ({where}): {wording.percent(inside.heat)}; a map that knows nothing would have "
            f"{wording.percent(inside.area)} there."
            if heat.has_evidence
            else "The map is empty."
        )
        if st.button("Compare with a network that knows nothing", help="The randomisation test of Adebayo et al. 2018."):
            bar = st.progress(0.0, text="Making its weights random …")
            found = checks.randomised(
                predictor.model, heat.layer or predictor.architecture.cam_layer, predictor.input(answer.prepared),
                predictor.classes.index(heat.label), predictor.lock, heat.method, progress=lambda done, total: bar.progress(done / total),
            )  # fmt: skip
            bar.empty()
            st.markdown(f"**{found.reading}**")
            columns = st.columns(len(found.stages) + 1)
            trained = f"Heat map as trained; {places.hottest(heat)}"
            columns[0].image(overlay.blend(answer.prepared, heat), caption="as trained", width="stretch", alt=trained)
            for column, stage in zip(columns[1:], found.stages, strict=True):
                text = f"{wording.percent(stage.randomised)} of the layers random: rank correlation {stage.spearman:.2f}"
                picture = overlay.blend(answer.prepared, stage.heat)
                column.image(picture, caption=text, width="stretch", alt=f"Heat map with {text}; {places.hottest(stage.heat)}")
