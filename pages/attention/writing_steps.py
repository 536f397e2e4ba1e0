"""The pictures of writing: lines from an output to its source, and a text as it grows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.catalog import MODELS
from pages.attention.choices import STEP, head_name, map_name
from pages.attention.pictures import left_out_note, marked_places, means, title
from pages.shared import arpabet, thread
from viz.components.written_steps import StepsPicture, written_steps
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, StepRows, TracedText
    from models.attention.outputs import OutputToken

# Sources up to this length leave room for the map beside the lines.
LONGEST_BESIDE = 20


def cross_steps(
    traced: "TracedText", rows: "StepRows", request: "HeadMapRequest", selected: int, key: str = "written_steps"
) -> None:
    """Source above, output below, lines between them."""
    what = "a line is as wide and as dark as the weight from an output's step to a source token."
    _steps(traced, rows, request, traced.written, selected, what, key=key)


def decoder_steps(
    traced: "TracedText", rows: "StepRows", request: "HeadMapRequest", written: "Sequence[OutputToken]", selected: int
) -> None:
    """The text as a strip that grows step by step."""
    what = "what the step that writes the outlined token looks at; the likeliest token is written each time (greedy)."
    # The last token that was written is nobody's key.
    prompt = len(traced.tokens) - len(written) + 1
    _steps(traced, rows, request, written, selected, what, written_from=prompt, text_before=thread.TEXT.value)


def _steps(
    traced: "TracedText",
    rows: "StepRows",
    request: "HeadMapRequest",
    written: "Sequence[OutputToken]",
    selected: int,
    what: str,
    *,
    written_from: int | None = None,
    text_before: str = "",
    key: str = "written_steps",
) -> None:
    name = head_name(request.layer, request.head)
    what_of = means(traced, request.kind, request.layer, request.head)
    written_steps(
        StepsPicture(
            name=name,
            map=map_name(request.kind, request.layer, request.head),
            keys=traced.tokens,
            outputs=tuple(each.text for each in written),
            hints=tuple(_hint(each.text, each.probability) for each in written),
            probabilities=tuple(each.probability for each in written),
            weights=rows.weights,
            selected=selected,
            most=rows.most,
            written_from=written_from,
            special=marked_places(traced.is_special),
            unknown=marked_places(traced.is_unknown),
            special_outputs=marked_places(tuple(each.is_special for each in written)),
            text_before=text_before,
            texts=tuple(each.adds for each in written),
            caption=f"{title()}, {name}: {what}{what_of}{left_out_note(None)}",
        ),
        key=key,
        on_step=STEP.choose,
    )


def _hint(name: str, probability: float) -> str:
    said = arpabet.sound_in_words(name) if MODELS[thread.MODEL.value].writes else ""
    return f"{name}{': ' + said if said else ''}, {part_text(probability)}"
