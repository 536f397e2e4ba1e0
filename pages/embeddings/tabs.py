"""What stands below the picture on the embeddings page, as tabs named by questions; only the open one is computed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.embeddings import export
from pages.embeddings.chance import baseline, how_often, share_of_cases
from pages.embeddings.choices import (
    CENTRED,
    DEPTH,
    EMBEDDED,
    LINE,
    LINES,
    LONGEST_SENTENCE,
    NEAR_LINE,
    POOLING,
    POOLINGS,
    SIMILAR,
    SWAPPED,
    WORD,
    senses,
    texts,
)
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.bound import bound, names_of, pick
from pages.shared.job import Job
from pages.shared.link import Choice, fits, note
from pages.shared.messages import problem
from pages.shared.page import tabs
from pages.shared.parts import chart, explanation, remark, say
from pages.shared.theme import palette
from viz.embeddings_charts import gap_chart, matrix_chart
from viz.quantities import bytes_text, cosine_text, part_text
from viz.tables import table

_SENTENCES = Job("sentences")
_MOST_CELLS = 3_600
_MOST_LINES = 5_000


def do_senses_part(status: DeltaGenerator) -> None:
    """Cosines within and between senses, layer by layer, and whose nearest neighbour shares its sense."""
    from models.embeddings import SensesRequest

    lines, word = texts(), WORD.value.strip()
    named = senses(len(lines))
    if not word or not all(named):
        st.caption("Name a word and its sense in each line, at the left: then the senses can be compared.")
        return
    found = ask(SensesRequest(thread.MODEL.value, lines, word, named), status)
    layer = min(DEPTH.value, len(found.layers) - 1)
    best = max(range(len(found.layers)), key=lambda place: (found.layers[place].shared, -place))
    where = "at the input" if best == 0 else f"after layer {best}"
    chance = found.layers[0].chance
    say(
        f"At the input the nearest neighbour has the same sense for {share_of_cases(found.layers[0])}; "
        f"most have it {where}, {share_of_cases(found.layers[best])}. "
        f"Dealt out by chance, the senses come as far in some layer {how_often(found.best_by_chance, chance.ways)}.",
        f"Chance: the same senses dealt out at random over the {len(lines)} lines, "
        + (f"in all {chance.ways:,} ways." if chance.is_exact else f"{chance.ways:,} times."),
    )
    chart(
        gap_chart(
            np.array([each.within for each in found.layers], dtype=np.float32),
            np.array([each.between for each in found.layers], dtype=np.float32),
            np.array(found.anisotropy, dtype=np.float32),
            [share_of_cases(each) for each in found.layers],
            layer,
            palette(),
        ),
        key="gap",
    )
    of_all = baseline(found.anisotropy[layer], f"tokens of all {len(lines)} lines, special ones left out,")
    rows = [
        [
            name,
            share_of_cases(each),
            "–"
            if each.tied == len(lines)
            else f"{each.chance.mean:.1f}; as many {how_often(each.chance.as_many, each.chance.ways)}",
            *(cosine_text(value) for value in (each.within, each.between, each.gap)),
        ]
        for name, each in (
            ("row of the table", found.static),
            ("mean of the sentence's rows", found.average),
            *((("input" if not place else f"layer {place}"), each) for place, each in enumerate(found.layers)),
        )
    ]
    st.html(table(["", "nearest shares it", "by chance", "same sense", "another", "gap"], rows, chosen=layer + 2))
    remark(
        f"Mean cosines of “{word}” in {len(lines)} lines. Raw cosines part weakly, as all vectors of a layer share "
        f"a direction: {of_all} here. So look at the gap. "
        f"At the input the word differs only by its position. {MODELS[thread.MODEL.value].title}."
    )
    with st.container(key="senses_matrix"):
        labels = [f"{place + 1} {sense}" for place, sense in enumerate(named)]
        chart(matrix_chart(found.layers[layer].cosines, labels, labels, palette()), key="cosines", width="content")


def how_similar(status: DeltaGenerator) -> None:
    """Token × token in one line, or sentence × sentence."""
    lines = texts()
    left, right = st.columns([3, 5], gap="large")
    with left:
        pick(SIMILAR, "Compare", {"tokens": "Tokens", "sentences": "Sentences"})
        if SIMILAR.value == "sentences":
            bound(
                st.radio,
                POOLING,
                "One vector for a sentence",
                **names_of(POOLINGS),
                help="Of the last layer. As trained: what a folder of sentence-transformers says, else the mean, which "
                "counts every token that is attended to, special ones included.",
            )
        else:
            _line_there(LINE, len(lines))
            bound(
                st.selectbox,
                LINE,
                "Line",
                range(len(lines)),
                format_func=lambda place: f"{place + 1}: {lines[place][:60]}",
            )
    with right:
        if SIMILAR.value == "sentences":
            _sentences_matrix(lines, status)
        else:
            _tokens_matrix(lines[LINE.value], status)


def _line_there(choice: Choice[int], count: int) -> None:
    """A line that is not among so many is said and not taken."""
    if choice.value >= count:
        note(f"The link names line {choice.value + 1}; there are {count:,}. The first one is shown.")
        choice.forget()


def _tokens_matrix(text: str, status: DeltaGenerator) -> None:
    from models.embeddings import TokenCosinesRequest

    found = ask(TokenCosinesRequest(thread.MODEL.value, text, DEPTH.value, CENTRED.value == "yes"), status)
    if len(found.pieces) ** 2 > _MOST_CELLS:
        st.caption(f"{len(found.pieces)} tokens make a matrix that nobody can read; take a shorter line.")
        return
    chart(matrix_chart(found.matrix, found.pieces, found.pieces, palette()), key="cosines", width="content")
    mean = " without their mean" if found.is_centred else ""
    remark(
        f"Cosines of the tokens{mean} {'at the input' if DEPTH.value == 0 else f'after layer {DEPTH.value}'}. "
        f"{baseline(found.anisotropy, 'tokens of this line alone, special ones included,').capitalize()}: only what is "
        "above that says something."
    )


def _sentences_matrix(lines: tuple[str, ...], status: DeltaGenerator) -> None:
    from models.embeddings import SentencesRequest, anisotropy, centred, cosines

    pooling: Any = POOLING.value
    found = ask(SentencesRequest(thread.MODEL.value, lines, pooling), status)
    vectors = centred(found.vectors) if CENTRED.value == "yes" and len(found.vectors) > 1 else found.vectors
    if len(vectors) ** 2 > _MOST_CELLS:
        st.caption(f"{len(vectors)} sentences make a matrix that nobody can read; take fewer lines.")
        return
    names = [f"{place + 1}: {lines[place][:40]}" for place in found.lines]
    chart(
        matrix_chart(cosines(vectors), names, [str(place + 1) for place in found.lines], palette()),
        key="cosines",
        width="content",
    )
    if len(vectors) > 1:
        remark(f"Cosines of sentence vectors. The mean of all pairs is {cosine_text(anisotropy(vectors))}.")


def does_order_matter(status: DeltaGenerator) -> None:
    """A sentence with its words swapped, positions on and off."""
    from models.embeddings import SwappedRequest

    lines = texts()
    words = lines[0].split()
    other = " ".join([words[-1], *words[1:-1], words[0]]) if len(words) > 1 else lines[0]
    swapped = bound(
        st.text_input,
        SWAPPED,
        "The same words in another order",
        shown=lambda typed: typed or other,
        max_chars=max(LONGEST_SENTENCE, len(other)),
        help="Compared with the first line above.",
    )
    found = ask(SwappedRequest(thread.MODEL.value, lines[0], thread.readable(swapped)), status)
    rows = []
    for place, (one, two) in enumerate(found.pairs):
        moved = "" if one == two else f"{one} → {two}"
        without = "" if found.without is None else f"{found.without.tokens[place]:.4f}"
        rows.append([found.pieces[one], moved, f"{found.with_positions.tokens[place]:.4f}", without])
    without = "" if found.without is None else f"{found.without.pooled:.4f}"
    rows.append(["mean of all", "", f"{found.with_positions.pooled:.4f}", without])
    st.html(table(["token", "place", "with positions", "without"], rows, chosen=len(rows) - 1))
    said = ["Cosines of the same token's last vectors in the two sentences."]
    if found.without is None:
        said.append(found.why_not)
    elif found.is_causal:
        said.append("Each token sees only those before it, so that order shows even where positions are off.")
    else:
        said.append(
            "Without positions an encoder sees a bag of words: whatever stands where, the vectors are the same."
        )
    if not found.same_tokens:
        said.append(
            "The two have different tokens: a word at the start of a text is another token in many vocabularies."
        )
    remark(" ".join(said))


def how_many_numbers(status: DeltaGenerator) -> None:
    """The vectors of the shown texts in fewer bits."""
    from models.embeddings import EmbedRequest, precisions

    rows = [ask(EmbedRequest(thread.MODEL.value, text), status).hidden_states[-1] for text in texts()]
    vectors = np.concatenate(rows)
    found = precisions(vectors)
    st.html(
        table(
            ["kept as", "bytes a vector", "a million of them", "mean error", "largest error", "neighbours changed"],
            [
                [
                    each.name,
                    f"{each.bytes_per_vector:,}",
                    bytes_text(each.bytes_per_million),
                    _error(each.mean_error),
                    _error(each.max_error),
                    part_text(each.changed),
                ]
                for each in found
            ],
        )
    )
    remark(
        f"{len(vectors):,} vectors of {vectors.shape[1]} numbers, the last layer's for every token above. Errors "
        f"of cosines over all pairs; of each vector's {found[0].neighbours} nearest, how many are others (of as many "
        f"drawn at random {part_text(1 - found[0].neighbours / (len(vectors) - 1))} would be). int8 keeps one scale "
        "for each vector. Rounding as it is written down, not what a library computes with."
    )


def _error(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def many_sentences() -> None:
    """Up to 5,000 lines at once, as a job, and the nearest to one of them."""
    from models.embeddings import SentencesRequest, anisotropy, cosines

    bound(
        st.text_area,
        LINES,
        "A sentence to a line",
        key="many_lines_box",
        height=160,
        placeholder="Paste up to 5,000 lines",
    )
    st.button("Embed them", key="embed_lines", on_click=EMBEDDED.choose, args=("yes",))
    lines = tuple(LINES.value.splitlines())
    if not LINES.value.strip():
        st.caption(
            "Nothing pasted yet. Each line becomes one vector of the last layer, pooled as the model was trained to."
        )
        return
    if not fits(LINES):
        remark("These lines are too long for a link: it opens this tab without them.")
    if len(lines) > _MOST_LINES:
        problem(f"{len(lines):,} lines are too many at once: at most {_MOST_LINES:,} are read. Take a part of them.")
        return
    request = SentencesRequest(thread.MODEL.value, lines, "own")
    found = _SENTENCES.answer(request, _progress_text, is_wanted=EMBEDDED.value == "yes")
    if found is None:
        return
    said = f"{len(found.vectors):,} vectors, {found.computed:,} of them computed; equal lines once."
    if found.empty:
        said += f" {found.empty:,} empty lines were left out."
    if found.too_long:
        said += f" Too long for this model: line {', '.join(str(place + 1) for place in found.too_long[:10])}."
    say(said)
    if len(found.vectors) < 2:
        return
    _line_there(NEAR_LINE, len(found.lines))
    place = bound(
        st.selectbox,
        NEAR_LINE,
        "Nearest to",
        range(len(found.lines)),
        format_func=lambda each: lines[found.lines[each]][:100],
    )
    values = cosines(found.vectors, found.vectors[[place]])[:, 0]
    values[place] = -np.inf
    order = np.argsort(-values, kind="stable")[: min(10, len(values) - 1)]
    st.html(table(["line", "cosine"], [[lines[found.lines[each]][:120], cosine_text(values[each])] for each in order]))
    remark(f"{baseline(anisotropy(found.vectors), 'sentences of these').capitalize()}.")
    export.vectors_download(found.vectors, [lines[each] for each in found.lines], "sentences")


def _progress_text(step: Any) -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} sentences."


EXPLANATION = """
A token starts as a **row of a table**: the same numbers wherever it stands. Every layer adds to it what the tokens
around it say, so that in the end *bank* in a sentence about money has another vector than *bank* beside a river.

- A **hidden state** is the vector of a token between two layers. Index 0 is what goes into the first layer (what that
  is differs from model to model and is written under the picture); the last one is what comes out, in many models after
  a final norm.
- The **map** flattens hundreds of numbers to two or three. What is near on the map need not be near: click a point, and
  the list beside it has its real neighbours, by cosine over all numbers.
- **Cosine** is how much two vectors point the same way: 1 the same, 0 nothing in common. All vectors of a layer share a
  direction (*anisotropy*), so look at differences, not at raw values.
- The **logit lens** takes the model's last step, the one that makes probabilities of the last vector, and applies it to
  the vector of an earlier layer: what would it say if it stopped there? (nostalgebraist 2020)
- The **table** has no context at all. A row's neighbours may be other spellings of the same word, or words of one kind.
"""

TABS: dict[str, Callable[[DeltaGenerator], object]] = {
    "Do the senses part?": do_senses_part,
    "How similar are they?": how_similar,
    "Does order matter?": does_order_matter,
    "How many numbers?": how_many_numbers,
    "Many sentences": lambda _: many_sentences(),
    "What am I looking at?": lambda _: explanation(EXPLANATION),
    "Take it with you": export.take_along,
    "Show the code": lambda _: export.code(),
}


def below() -> None:
    """The tabs, each with a place of its own for what is waited for."""
    tabs("below_embeddings", {name: lambda draw=draw: draw(st.empty()) for name, draw in TABS.items()})
