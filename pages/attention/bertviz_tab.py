"""BertViz's own head view and model view of what is traced, for those who know it and for comparison."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.attention.choices import BERTVIZ_LAYERS, BERTVIZ_VIEW, BERTVIZ_VIEWS, VIEW, VIEWS
from pages.shared import download_names
from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import pick, toggle
from pages.shared.messages import in_place
from viz.bertviz_document import bertviz_document
from viz.components.framed_document import framed_document
from viz.inspector import line

if TYPE_CHECKING:
    from models.attention import BertVizTooLargeError, HeadMapRequest, TracedText

BertVizView = Literal["head", "model"]
_HOW = {
    "head": "The tokens that look are on the left, those that are looked at on the right; the stronger a line, the "
    "larger the weight. Point at a token to see its lines alone. Each colour is a head: click its square to take it "
    "out or in, double-click to see no other.",
    "model": "Each row is a layer, each picture in it a head: lines from the tokens that look, on the left, to those "
    "that are looked at. Click on one to enlarge it, and again to close it.",
}
_WHAT = "Drawn by BertViz (Vig 2019) from the model's own weights, to 4 decimals: nothing is left out or switched off."
_NAMES = (
    "BertViz names a row of the decoder by the token that is given there; Headlight's pictures of cross-attention name "
    "it by the token that is written there, the next one."
)


def show(request: "HeadMapRequest", traced: "TracedText", status: DeltaGenerator) -> None:
    """BertViz in a frame; where it would be too large, why, and what there is instead."""
    from models.attention import BertVizRequest, BertVizTooLargeError

    with in_place():
        layer = request.layer if len(traced.layers_of(request.kind)) > 1 else None
        _controls(layer)
        view: BertVizView = "model" if BERTVIZ_VIEW.value == "model" else "head"
        alone = (layer,) if layer is not None and BERTVIZ_LAYERS.value == "one" else None
        asked = BertVizRequest(request.trace, request.kind, view, alone, layer if view == "head" else None)
        try:
            with working("BertViz writes its page…", status):
                drawing = ask(asked, status)
                document = bertviz_document(view, drawing.elements, drawing.scripts)
        except BertVizTooLargeError as error:
            _instead(layer, error)
            return
        about = [_HOW[view], _WHAT, *([_NAMES] if request.kind == "cross" else [])]
        if view == "head":
            frame, beside = st.columns(2, gap="large")
        else:
            frame = beside = st.container()
        with frame, st.container(key="bertviz"):
            framed_document(document, title=f"BertViz: {view} view", key="bertviz_frame")
        with beside:
            st.html("".join(map(line, about)))
            st.download_button(
                "This view as an HTML file",
                lambda: document,
                f"{download_names.of_model(request.trace.model)}-{request.kind}-bertviz-{view}.html",
                "text/html",
                key="bertviz_html",
                on_click="ignore",
            )


def _controls(layer: int | None) -> None:
    """Which of the two views, and whether of one layer alone."""
    with st.container(horizontal=True, vertical_alignment="center"):
        pick(BERTVIZ_VIEW, "BertViz's view", BERTVIZ_VIEWS, key="bertviz_view_box", label_visibility="collapsed")
        if layer is not None:
            toggle(BERTVIZ_LAYERS, f"Only layer {layer}", "one", key="bertviz_alone_box")


def _instead(layer: int | None, error: "BertVizTooLargeError") -> None:
    """Why it is not drawn, what of it is small enough, and Headlight's own views."""
    with st.container(key="bertviz_too_large"):
        st.info(str(error), icon=":material/info:")
        with st.container(horizontal=True):
            if error.size.fits("head"):
                st.button("BertViz's head view", key="bertviz_head", on_click=BERTVIZ_VIEW.choose, args=("head",))
            elif layer is not None and replace(error.size, layers=1).fits("head"):
                st.button(
                    f"BertViz's head view of layer {layer} alone",
                    key="bertviz_one_layer",
                    on_click=_one_layer,
                )
            for each in ("heads", "model", "matrix"):
                if VIEW.value != each:
                    st.button(
                        f"Headlight's own: {VIEWS[each]}, above",
                        key=f"bertviz_own_{each}",
                        on_click=VIEW.choose,
                        args=(each,),
                    )


def _one_layer() -> None:
    BERTVIZ_VIEW.choose("head")
    BERTVIZ_LAYERS.choose("one")
