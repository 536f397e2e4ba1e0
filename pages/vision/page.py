"""What does a vision transformer look at? A picture, cut into patches, and over it where each head looks."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.loading import loading
from pages.shared.messages import in_place, show_notes
from pages.shared.page import Page, columns, inspector_in, show
from pages.shared.sentences_and_charts import remark
from pages.vision.choices import CHOICES, EXAMPLES, PHOTO, SEE_HEAD, SEE_LAYER, SEEN_AS, VIEWS, WAY, WAYS
from pages.vision.inspector import inspect
from pages.vision.picture_choice import picture_box, size_box
from pages.vision.pictures import looks_of, show_every, show_looks
from pages.vision.selection import chosen_layer_and_head, chosen_places, pictured, trace_of
from pages.vision.tabs import below


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the picture, the layer, the head and the patch."""
    left, centre, right = columns()
    with left, in_place():
        picture_box()
    with loading(thread.MODEL.value, status):
        from models.vision import CutPictureRequest, LayerWeightsRequest, PictureRequest, VisionFactsRequest

        facts = ask(VisionFactsRequest(thread.MODEL.value), status)
        trace = trace_of(facts)
        cut = ask(CutPictureRequest(trace), status)
    layer, head = chosen_layer_and_head(cut)
    places = chosen_places(cut)
    with centre:
        show_notes()
        with st.container(key="looks"):
            if SEEN_AS.value == "every":
                show_every(trace, cut, layer, head, places[-1], status)
            else:
                show_looks(*looks_of(trace, cut, layer, head, places, status))
        for each in ask(PictureRequest(trace.picture), status).notes:
            remark(each)
    with left:
        pick(SEEN_AS, "Show", VIEWS, label_visibility="collapsed")
        bound(st.select_slider, SEE_LAYER, "Layer", list(cut.layers))
        bound(st.segmented_control, SEE_HEAD, "Head", list(range(cut.heads)), required=True, wrap=True)
        if SEEN_AS.value == "picture":
            pick(WAY, "Drawn as", WAYS)
        with st.expander("More", key="more_of_picture"):
            size_box(facts)
    with inspector_in(right, PAGE), in_place():
        inspect(ask(LayerWeightsRequest(trace, layer, head, places[-1]), status)[0, 0], cut, layer, head, places)
    below(facts, trace, cut, layer, head, places)


PAGE = Page(
    "vision",
    explore,
    CHOICES,
    EXAMPLES,
    about=(thread.MODEL, PHOTO),
    has_text=False,
    pictured=pictured,
    reads="picture",
)
show(PAGE)
