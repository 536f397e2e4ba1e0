"""The heads page at a glance: all heads of a model, each in the colour of what it does."""

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.heads.atlas import cells_of
from pages.heads.examples import EXAMPLES
from pages.shared import thread
from pages.shared.head_names import atlas_of
from pages.shared.theme import palette
from viz.home_cards import coloured
from viz.palette import between


def preview(_: DeltaGenerator) -> tuple[str, str]:
    """The picture, and what it is of: nothing where the example's atlas is not there. Raises HeadlightError."""
    model = EXAMPLES[0].chosen[thread.MODEL]
    family = MODELS[model].family
    found = atlas_of(model, "cross" if family == "seq2seq" else family)
    if found is None:
        return coloured((), "", palette()), EXAMPLES[0].look
    cells, colours = cells_of(found), palette()
    shown = [
        [
            colours.hatch
            if cells.leading[layer, head] < 0
            else between(
                (colours.ground, colours.roles[cells.roles[cells.leading[layer, head]].family]),
                0.3 + 0.7 * float(cells.scores[cells.leading[layer, head], layer, head]),
            )
            if head < found.heads[layer]
            else ""
            for layer in range(len(found.heads))
        ]
        for head in range(cells.size[1])
    ]
    named = int((cells.leading >= 0).sum())
    said = f"{MODELS[model].title}: {named:,} of {sum(found.heads):,} heads have earned a name"
    return coloured(shown, said, colours), said
