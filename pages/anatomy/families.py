"""One sentence in three families of models at once: masks, maps and outputs, and which rows an edit changes."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import EDITED, FAMILY_DEPTH, OF_FAMILIES
from pages.anatomy.export import family_rows, offer
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.link import note
from pages.shared.messages import in_place
from pages.shared.model_choice import have_as_well, mine, titles
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.tab_library import TabLibrary
from pages.shared.theme import palette
from viz.cell_charts import cells_chart
from viz.components.attention_view import Frame, Matrix, Panel, attention_view, attention_view_library
from viz.inspector import heading
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.anatomy.families import FamilyRequest, FamilyView

TITLE = "Three families, one sentence"
LIBRARY = TabLibrary("anatomy", TITLE, attention_view_library)
_NAMES = {"encoder": "Encoder", "decoder": "Decoder", "seq2seq": "Encoder-decoder"}
_KINDS = {"encoder": "to itself", "decoder": "to what it wrote", "cross": "to the source"}
_LONGEST_OUTPUT = 24


def show(status: DeltaGenerator) -> None:
    """The three models, the edit, their maps side by side, and what changes in each."""
    LIBRARY.needed()
    models = _models()
    with st.container(horizontal=True, vertical_alignment="bottom", key="families_text"):
        bound(st.text_input, EDITED, "The same sentence with another word", placeholder=thread.TEXT.value)
        bound(st.slider, FAMILY_DEPTH, "Depth of the layer (%)", 0, 100, step=10)
    found: dict[str, tuple[str, FamilyView]] = {}
    for family, model in models.items():
        with in_place():
            found[family] = (model, ask(family_request(model, status), status))
    if not found:
        return
    _say(found)
    with st.container(key="families"):
        attention_view(*_picture(found), key="families_view")
    for family, (model, view) in found.items():
        _changes(family, model, view)
    remark(
        "Where each looks on average over a layer's heads, not why. Hatched is what a token may not see: a decoder's "
        "future. An encoder "
        "changes in every row; a decoder in none before the edit; an encoder-decoder's output through the "
        "cross-attention. "
        "The same text twice would change nothing at all."
    )
    offer("models", "families", family_rows(found))


def _models() -> dict[str, str]:
    """The model of each family: the chosen one, the page's own, or the one that is always there."""
    every = dict.fromkeys((*MODELS, *mine()))
    found = {}
    with st.container(horizontal=True, key="families_models"):
        for family, choice in OF_FAMILIES.items():
            own = [each for each in every if MODELS[each].family == family]
            name = choice.value
            if name and MODELS[name].family != family:
                note(f"{MODELS[name].title} is no {_NAMES[family].lower()}; another one is shown.")
                choice.forget()
                name = ""
            name = name and have_as_well(choice, "This model cannot be opened; another one is shown.")
            name = name or (thread.MODEL.value if thread.MODEL.value in own else next(iter(own), ""))
            if not name:
                continue
            found[family] = name
            words = titles([MODELS[each] for each in dict.fromkeys((*own, name))])
            bound(st.selectbox, choice, _NAMES[family], shown=lambda _, name=name: name, **names_of(words))
    return found


def family_request(model: str, status: DeltaGenerator) -> "FamilyRequest":
    """What is asked of one model; of a seq2seq model with what it writes for the text as it is. Raises "
    "HeadlightError."""
    from models.anatomy.families import FamilyRequest
    from models.attention import TraceRequest
    from models.decoding import DecodingSettings, WriteRequest

    text, edited = thread.TEXT.value, EDITED.value.strip()
    target = None
    if MODELS[model].family == "seq2seq":
        steps = ask(WriteRequest(model, text, DecodingSettings(max_new_tokens=_LONGEST_OUTPUT)), status)
        target = tuple(step.token_id for step in steps)
    return FamilyRequest(TraceRequest(model, text, target), edited if edited != text else "", FAMILY_DEPTH.value / 100)


def _say(found: "dict[str, tuple[str, FamilyView]]") -> None:
    if not EDITED.value.strip():
        say("Type the same sentence with another word above: which rows change in each is shown below.")
        return
    parts = []
    for family, (_, view) in found.items():
        for stream in view.streams:
            last = stream.changes[-1]
            known = np.isfinite(last)
            which = f" ({stream.kind})" if len(view.streams) > 1 else ""
            parts.append(f"{_NAMES[family].lower()}{which} {int((last[known] > 0).sum())} of {int(known.sum())}")
    say(f"Rows that the edit changes at the last layer: {'; '.join(parts)}.")


def _picture(found: "dict[str, tuple[str, FamilyView]]") -> tuple[Frame, Matrix]:
    panels, names = [], []
    most = max(float(each.weights.max()) for _, view in found.values() for each in view.maps)
    for family, (model, view) in found.items():
        for each in view.maps:
            title = f"{_NAMES[family]} L{each.layer}" + (f" {_KINDS[each.kind]}" if len(view.maps) > 1 else "")
            cells = np.where(each.visible, each.weights, np.float32(np.nan)).astype(np.float32)
            rows = tuple(
                f"• {row}" if change > 0 else row for row, change in zip(each.rows, each.changes.tolist(), strict=True)
            )
            panels.append(Panel(title, cells, most, cells.shape, labels=(rows, each.columns)))
        names.append(MODELS[model].title)
    first = next(iter(found.values()))[1].maps[0]
    frame = Frame(
        name="one sentence in " + ", ".join(names),
        map="families",
        kind=first.kind,
        layer=first.layer,
        head=None,
        queries=first.rows,
        keys=first.columns,
        selected=-1,
        special=(),
        unknown=(),
        unseen_means="what it may not see",
        caption=f"{', '.join(names)}: the mean over the heads of one layer, all on one scale"
        + ("; •: a row that the edit changes." if EDITED.value.strip() else "."),
    )
    return frame, Matrix(tuple(panels), panels[0].cells[0], has_strip=False)


def _changes(family: str, model: str, view: "FamilyView") -> None:
    title = f"{_NAMES[family]}: {MODELS[model].title}"
    output = ", ".join(f"“{text}” {part_text(share)}" for text, share in view.output)
    other = ", ".join(f"“{text}” {part_text(share)}" for text, share in view.other_output)
    said = "Comes out: a vector for each token." if not output else f"Comes out: {output}."
    if other:
        said += f" After the edit: {other}."
    if not view.streams:
        st.html(heading(title))
        remark(said)
        return
    for stream in view.streams:
        st.html(
            heading(
                f"{title}, {stream.kind}: how far each token's vector moves"
                if len(view.streams) > 1
                else f"{title}: how far each token's vector moves"
            )
        )
        tokens = [f"{token} *" if edited else token for token, edited in zip(stream.tokens, stream.edited, strict=True)]
        layers = [f"L{layer}" for layer in stream.layers]
        drawn = cells_chart(
            stream.changes,
            layers,
            tokens,
            "of its length",
            titles=("after layer", "token"),
            height=150,
            palette=palette(),
        )
        chart(drawn, key=f"moved_{family}_{stream.kind}")
    remark(f"{said} * is another token than before. {view.note}".strip())
