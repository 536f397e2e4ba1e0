"""What does it say of the picture? Classes of a model that has a head of them, texts beside one with a text tower."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import text_area
from pages.shared.sentences_and_charts import explanation, remark, say
from pages.vision.choices import FITTING
from pages.vision.pictures import file_name, model_title
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.inspector import Share, heading, shares
from viz.number_format import cosine_text
from viz.picture_bytes import jpeg_of
from viz.tables import table

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest, VisionFacts

TITLE = "What does it say of the picture?"
_MOST_TEXTS = 16
_SIDE = 190


def show(trace: "PictureTraceRequest", cut: "CutPicture", facts: "VisionFacts", status: DeltaGenerator) -> None:
    """What this model can say; else what one would need."""
    if facts.has_classes:
        _classes(trace, status)
    if facts.has_texts:
        _texts(trace, cut, status)
    if not (facts.has_classes or facts.has_texts):
        explanation(
            f"{model_title()} says nothing: it makes vectors, and has neither a head of classes nor a text tower. A "
            "ViT that was trained to name pictures has the first, CLIP and SigLIP have the second: “Another model” in "
            "the sidebar opens one."
        )


def _classes(trace: "PictureTraceRequest", status: DeltaGenerator) -> None:
    from models.vision import ClassesRequest

    found = ask(ClassesRequest(trace), status)
    pairs = zip(found.names, found.probabilities.tolist(), strict=True)
    st.html(heading("Its classes") + shares([Share(*each) for each in pairs]))


def _texts(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    from models.vision import TextsFitRequest

    typed = text_area(FITTING, "Texts, one on each line", key="fitting_box", height=100)
    texts = tuple(dict.fromkeys(each.strip() for each in typed.splitlines() if each.strip()))
    if not texts:
        say("Type a text: what could stand below this picture?")
        return
    if len(texts) > _MOST_TEXTS:
        remark(f"The first {_MOST_TEXTS} of {len(texts)} texts.")
    found = ask(TextsFitRequest(trace, texts[:_MOST_TEXTS]), status)
    rows = [
        [text, f"{100 * probability:.1f} %", cosine_text(cosine)]
        for text, probability, cosine in zip(texts, found.probabilities.tolist(), found.cosines.tolist(), strict=False)
    ]
    st.html(table(["text", "fits", "cosine"], rows))
    if found.maps is None:
        return
    most = float(found.maps.max(initial=0.0))
    maps = [PictureMap(text, cells, most, "cosine", picture=0) for text, cells in zip(texts, found.maps, strict=False)]
    picture_maps(
        PictureMaps(
            f"{file_name()}-texts",
            tuple(maps),
            3,
            _SIDE,
            f"{model_title()}: the cosine of each text's vector and each patch's, all lit from 0 to the largest. The "
            "model was trained with the vector of the whole picture: that single patches fit is not said by anybody.",
            (jpeg_of(cut.pixels),),
            legend=("cosine 0", cosine_text(most)),
        ),
        key="texts_view",
    )
