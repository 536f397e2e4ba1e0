"""All heads of the model as one picture, by what they do; computed once for each model, and watched meanwhile."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import OF_HEAD, ONLY
from pages.shared.job import Job
from pages.shared.link import NumberPair, note
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark
from viz.components.head_atlas import HeadAtlas, RoleCells, RoleMark, head_atlas
from viz.number_format import counted

if TYPE_CHECKING:
    from models.engine import HowFar
    from models.heads import Atlas, AtlasRequest, Role, RoleScores

JOB = Job("atlas")
# Of roles that are no grammar: which kind they are of, and their letters.
_MARKS = {
    "previous": (0, "P"),
    "next": (0, "N"),
    "offset": (0, "O"),
    "first": (1, "F"),
    "delimiter": (1, "D"),
    "same": (2, "S"),
    "duplicate": (2, "Du"),
    "induction": (2, "I"),
    "copying": (4, "C"),
    "broad": (5, "B"),
}
_GRAMMAR, _OTHER = 3, 6
# Seconds for each sentence and million parameters, on one thread of a laptop.
_SECONDS = 0.0011
_AT_LEAST = 3.0


def atlas(request: "AtlasRequest") -> "Atlas | None":
    """What every head does; None where it is not computed: it is offered, or under way."""
    from models.heads.atlas_at_hand import atlas_at_hand

    if (kept := atlas_at_hand(engine, request)) is not None:
        return kept
    with st.container(key="atlas_job"):
        card = MODELS[request.model]
        is_wanted = JOB.request == request
        if not is_wanted:
            remark(
                f"What the heads of {card.title} do is not known yet. It reads "
                f"{counted(len(request.bank.sentences), 'sentence')} and repeated random tokens, which takes about "
                f"{about(request):.0f} seconds here. The scores are kept beside the model, the sentences are not. "
                f"{plain(request.bank.note)}"
            )
            is_wanted = st.button("Find out what each head does", key="atlas_start", type="primary")
        return JOB.answer(request, progress_text, is_wanted=is_wanted)


def about(request: "AtlasRequest") -> float:
    """How many seconds it takes, roughly."""
    millions = MODELS[request.model].parameters / 1e6
    return max(_AT_LEAST, round(_SECONDS * millions * len(request.bank.sentences)))


def progress_text(step: "HowFar") -> tuple[float, str]:
    """How far the atlas is."""
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} texts read"


def marks(found: "Atlas") -> tuple[RoleMark, ...]:
    """The roles that some head has earned, as the legend has them."""
    return tuple(RoleMark(each.name, *mark_of(each), each.definition) for each in earned(found))


def mark_of(role: "Role") -> tuple[str, int]:
    """Its letters, and which hue it has: of grammar the relation's first two, capitals from a word to its dependent."""
    if role.group != "grammar":
        family, short = _MARKS.get(role.key, (_OTHER, role.key[:2].capitalize()))
        return short, family
    one, _, other = role.key.partition(">")
    return (one[:2], _GRAMMAR) if other == "head" else (other[:2].upper(), _GRAMMAR)


def earned(found: "Atlas") -> "list[Role]":
    """The roles that some head has earned, in the order of the legend."""
    return [each.role for each in _earned(found)]


def _earned(found: "Atlas") -> "list[RoleScores]":
    # What most heads do, resting their weight, comes last.
    return sorted((each for each in found.roles if each.is_named.any()), key=lambda each: each.role.is_rest)


def cells_of(found: "Atlas", only: str = "") -> RoleCells:
    """The atlas as the picture takes it."""
    roles = _earned(found)
    shape = (len(found.heads), max(found.heads, default=0))
    if not roles:
        nothing = np.zeros((0, *shape))
        return RoleCells((), nothing.astype(np.float32), nothing.astype(bool), np.full(shape, -1), -1)
    is_named = np.stack([each.is_named for each in roles])
    # Where a head only rests its weight comes after what it finds, as in `Atlas.names`.
    ranks = np.stack([each.strengths + (0 if each.role.is_rest else 2) for each in roles])
    strengths = np.where(is_named, ranks, -1.0)
    leading = np.where(is_named.any(axis=0), strengths.argmax(axis=0), -1)
    keys = [each.role.key for each in roles]
    scores = np.stack([each.scores for each in roles]).astype(np.float32)
    return RoleCells(marks(found), scores, is_named, leading, keys.index(only) if only in keys else -1)


def chosen_head(found: "Atlas") -> NumberPair:
    """The head that is spoken of: the chosen one; else the strongest that does more than rest somewhere."""
    chosen = OF_HEAD.value
    if chosen is not None and not (chosen[0] < len(found.heads) and chosen[1] < found.heads[chosen[0]]):
        note(f"There is no head L{chosen[0]} H{chosen[1]} in this model; another one is shown.")
        OF_HEAD.forget()
        chosen = None
    if chosen is not None:
        return chosen
    best, place = -1.0, NumberPair((found.layers[0] if found.layers else 0, 0))
    for each in found.roles:
        if each.role.is_rest or not each.is_named.any():
            continue
        strengths = np.where(each.is_named, each.strengths, -1.0)
        if strengths.max() > best:
            layer, head = np.unravel_index(int(strengths.argmax()), strengths.shape)
            best, place = float(strengths.max()), NumberPair((int(layer), int(head)))
    return place


def show(found: "Atlas", selected: NumberPair) -> None:
    """The picture."""
    if ONLY.value and ONLY.value not in [each.key for each in earned(found)]:
        note("No head of this model has the role that is asked for; all roles are shown.")
        ONLY.forget()
    cells = cells_of(found, ONLY.value)
    keys = [each.key for each in earned(found)]
    named, heads = int((cells.leading >= 0).sum()), sum(found.heads)
    shown = "each head in the colour of the strongest name that it has earned, as strong as its score; grey: none"
    if cells.only >= 0:
        shown = f"each head that has earned the name “{cells.roles[cells.only].name}”; grey: one that has not"
    picture = HeadAtlas(
        layers=tuple(range(len(found.heads))),
        heads=found.heads,
        cells=cells,
        selected=tuple(selected),
        caption=f"{found.model}: {shown}. {named:,} of {counted(heads, 'head')} have a name, over "
        f"{found.sentences:,} sentences and {found.sequences:,} sequences of random tokens: where "
        "a head looks, not whether it matters.",
        name=f"{heads:,} heads by what they do",
    )
    with st.container(key="atlas"):
        head_atlas(
            picture,
            key="head_atlas",
            on_cell=lambda layer, head: choose(layer, head, found.heads),
            on_role=lambda role: ONLY.choose(keys[role] if 0 <= role < len(keys) else ""),
        )


def choose(layer: int, head: int, heads: tuple[int, ...]) -> None:
    """Speak of this head."""
    if 0 <= layer < len(heads) and 0 <= head < heads[layer]:
        OF_HEAD.choose(NumberPair((layer, head)))
