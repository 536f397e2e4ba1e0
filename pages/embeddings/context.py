"""Tokens in context: their places in every layer, and what is really near them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from models.errors import HeadlightError
from pages.embeddings.chance import how_often, share_of_cases
from pages.embeddings.choices import AXES, CENTRED, DEPTH, METHOD, METHODS, POINT, POINTS, SENSES, WORD, senses, texts
from pages.shared import thread
from pages.shared.bound_widgets import bound, pick, toggle
from pages.shared.job import Job
from pages.shared.link import note
from viz.components.vector_map import MapPoint, VectorMap, vector_map
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.embeddings import Embedding, NearVectors, Separation, VectorMaps, VectorMapsRequest
    from models.engine import HowFar

_MAPS = Job("maps")
_NEAR = 8
_MOST_POINTS = 2_000


@dataclass(frozen=True, eq=False)
class Journey:
    """What is shown: the texts, where the tokens lie in each layer, and which of them are the word.

    parted: for each layer, how many of its places share the sense of their nearest, where senses were named.
    """

    texts: tuple[str, ...]
    request: "VectorMapsRequest"
    map: "VectorMaps"
    marked: tuple[bool, ...]
    groups: tuple[str, ...]
    senses: tuple[str, ...]
    parted: "tuple[Separation, ...] | None"

    @property
    def layers(self) -> int:
        """How many maps there are."""
        return len(self.map.points)


def controls() -> None:
    """What is compared, and how it is flattened."""
    bound(
        st.text_input,
        WORD,
        "Word to compare",
        max_chars=60,
        help="Where it stands in the lines above, as a whole word; its points are drawn large.",
    )
    bound(
        st.text_input,
        SENSES,
        "Its sense in each line",
        max_chars=400,
        placeholder="money, river, …",
        help="A name for each line, with commas between them; each sense has a shape of its own.",
    )
    pick(POINTS, "Points", {"all": "All tokens", "word": "The word"})
    with st.expander("More", key="more_of_the_map", on_change="rerun") as more:
        if more.open:
            pick(
                METHOD,
                "Map",
                METHODS,
                key="method_box",
                help="PCA is a shadow: straight, the same each time, and it says how much it shows. UMAP and t-SNE "
                "keep neighbours together and bend the rest; distances between groups mean little there.",
            )
            bound(st.segmented_control, AXES, "Axes", ["2", "3"], required=True)
            toggle(
                CENTRED,
                "Without the mean",
                "yes",
                about="All vectors of a layer share a direction, which makes all cosines large. This takes the mean of "
                "the shown tokens out before neighbours are compared.",
            )


def journey() -> Journey | None:
    """The maps of all layers; None while they are made. Raises HeadlightError."""
    from models.embeddings import VectorMapsRequest

    lines = texts()
    if not lines:
        raise HeadlightError("There is no text yet: type a sentence on each line, or choose an example.")
    method: Any = METHOD.value
    axes: Any = int(AXES.value)
    word = WORD.value.strip()
    if POINTS.value == "word" and not word:
        note("There is no word to compare yet; all tokens are shown.")
    only = word if POINTS.value == "word" and word else None
    request = VectorMapsRequest(thread.MODEL.value, lines, only, method, axes, same_size=True)
    if request not in engine.answers:
        _check_size(lines, only)
    found: VectorMaps | None = _MAPS.answer(request, _progress_text, is_wanted=True)
    if found is None:
        return None
    named = senses(len(lines))
    groups = tuple(dict.fromkeys(each for each in named if each))
    if only is not None:
        marked = (True,) * len(found.labels)
    else:
        places = _occurrences(lines, word) if word else set()
        marked = tuple((label.sentence, token) in places for label in found.labels for token in label.tokens[:1])
    return Journey(lines, request, found, marked, groups, named, _parted(lines, word, named))


def _check_size(lines: tuple[str, ...], only: str | None) -> None:
    """Every state of every token is kept while it is shown: raises HeadlightError for too many."""
    from models.forward.inputs import model_inputs

    loaded = engine.model(thread.MODEL.value)
    counts = [len(model_inputs(loaded, text).ids) for text in lines]
    if only is None and sum(counts) > _MOST_POINTS:
        raise HeadlightError(
            f"These lines have {sum(counts):,} tokens, and a map of more than {_MOST_POINTS:,} points shows nothing; "
            "shorten them, or name a word and choose “The word”."
        )
    for number, count in enumerate(counts):
        if count > _MOST_POINTS:
            raise HeadlightError(f"Line {number + 1} has {count:,} tokens; at most {_MOST_POINTS:,} are read here.")


def _parted(lines: tuple[str, ...], word: str, named: tuple[str, ...]) -> "tuple[Separation, ...] | None":
    """What the tab of the senses tells in full; None where the word or a sense is missing."""
    from models.embeddings import SensesRequest

    if not word or not all(named) or len(lines) < 2:
        return None
    # What is wrong with the word or the senses is said there.
    with suppress(HeadlightError):
        return engine.run(SensesRequest(thread.MODEL.value, lines, word, named)).layers
    return None


def _progress_text(step: "HowFar") -> tuple[float, str]:
    return step.done / max(1, step.of), f"Layer {step.done} of {step.of} has its map."


def _occurrences(lines: tuple[str, ...], word: str) -> set[tuple[int, int]]:
    """Line and token wherever the word stands."""
    from models.embeddings.occurrences import word_tokens

    found = set()
    for number, text in enumerate(lines):
        spans = engine.run(_embedded(text)).spans
        found |= {(number, token) for tokens in word_tokens(text, spans, word) for token in tokens}
    return found


def _embedded(text: str) -> Any:
    from models.embeddings import EmbedRequest

    return EmbedRequest(thread.MODEL.value, text)


def vectors_at(now: Journey, layer: int) -> np.ndarray:
    """The vectors behind the points of a layer, [point, width] float32, as the map's request has them."""

    kept: dict[int, np.ndarray] = {}
    rows = []
    for label in now.map.labels:
        if label.sentence not in kept:
            found: Embedding = engine.run(_embedded(now.texts[label.sentence]))
            kept[label.sentence] = found.hidden_states[layer]
        states = kept[label.sentence]
        tokens = label.tokens
        rows.append(states[tokens[0]] if len(tokens) == 1 else states[list(tokens)].mean(axis=0))
    return np.stack(rows)


def chosen(now: Journey) -> tuple[int, int | None]:
    """Layer and point that are shown; what a link names and is not there is said."""
    if DEPTH.value >= now.layers:
        note(f"The link names layer {DEPTH.value}; this model has {now.layers - 1}. The last one is shown.")
        DEPTH.choose(now.layers - 1)
    point = POINT.value
    if point is not None and point >= len(now.map.labels):
        note(f"The link names point {point}; there are {len(now.map.labels)}. None is selected.")
        POINT.forget()
        point = None
    return DEPTH.value, point


def near(now: Journey, layer: int, point: int) -> "tuple[NearVectors, float]":
    """The nearest of the shown tokens in the original space, and the mean cosine of two random ones."""
    from models.embeddings import anisotropy, centred, nearest

    vectors = vectors_at(now, layer)
    if CENTRED.value == "yes":
        vectors = centred(vectors)
    return nearest(vectors, point, _NEAR), anisotropy(vectors)


def picture(now: Journey, layer: int, point: int | None, around: "NearVectors | None", first: str, last: str) -> None:
    """The map of the layer, and all layers below it."""
    found, card = now.map, MODELS[thread.MODEL.value]
    names = [f"Input: {first}", *(f"After layer {each}" for each in range(1, now.layers))]
    names[-1] = f"{names[-1]}: {last}"
    notes = [_note(now, each) for each in range(now.layers)]
    group = {name: place for place, name in enumerate(now.groups)}
    shapes = ", ".join(f"{shape} {name}" for shape, name in zip("●□▲◇", now.groups[:4], strict=False))
    if shapes and any(found.is_one_point):
        shapes += "; one in another: both in one place"
    flat = f"Flattened from {card.width} numbers to {AXES.value}; trust the list of neighbours."
    with st.container(key="map_of_layers"):
        vector_map(
            VectorMap(
                points=[
                    MapPoint(
                        label.piece,
                        label.sentence,
                        is_marked,
                        group.get(now.senses[label.sentence], -1) if is_marked else -1,
                    )
                    for label, is_marked in zip(found.labels, now.marked, strict=True)
                ],
                places=found.points,
                names=names,
                notes=notes,
                tags=[""] * now.layers if now.parted is None else [_tag(each) for each in now.parted],
                scales=[
                    "" if point else part_text(each)
                    for point, each in zip(found.is_one_point, found.spread, strict=True)
                ],
                means=_means(now),
                groups=now.groups,
                layer=layer,
                point=point,
                near=[] if around is None else [int(each) for each in around.indices[:5]],
                texts=now.texts,
                caption=f"{flat} {shapes + '. ' if shapes else ''}Each layer is turned onto the one before and drawn "
                f"at one size: how far points lie from their middle is the scale. {card.title}.",
            ),
            key="vector_map",
            on_layer=DEPTH.choose,
            on_point=POINT.choose,
        )


def _note(now: Journey, layer: int) -> str:
    if now.map.is_one_point[layer]:
        return "All of these are the same vector here."
    explained, trust = now.map.explained[layer], now.map.trust[layer]
    said = f"{part_text(sum(explained))} of the variance" if explained else METHODS[METHOD.value]
    if trust:
        by_chance = part_text(trust.neighbours / (len(now.map.labels) - 1))
        said += f"; {part_text(trust.preserved)} of the {trust.neighbours} nearest are kept (by chance {by_chance})"
    said += f". Scale: {part_text(now.map.spread[layer])} of a vector's length."
    if now.parted is None:
        return said
    found = now.parted[layer]
    by_chance = f"by chance as many {how_often(found.chance.as_many, found.chance.ways)}"
    if found.tied == len(found.nearest):
        return f"Both senses are equally near to each: {share_of_cases(found)}. {said}"
    return f"The nearest one shares the sense for {share_of_cases(found)} ({by_chance}). {said}"


def _tag(found: "Separation") -> str:
    """Under a small picture there is room for a word."""
    return "tie" if found.tied == len(found.nearest) else f"{found.shared}/{len(found.nearest)}"


def _means(now: Journey) -> str:
    """What stands under the small pictures."""
    scale = "the scale"
    if now.parted is None:
        return f"Below each {scale}: how far points lie from their middle as a part of a vector's length."
    count = len(now.parted[0].nearest)
    by_chance = [each.chance.mean for each in now.parted if each.tied < count] or [0.0]
    least, most = f"{min(by_chance):.1f}", f"{max(by_chance):.1f}"
    chance = least if least == most else f"{least} to {most}"
    return f"Below each: for how many of {count} the nearest shares the sense (by chance {chance}); {scale}."
