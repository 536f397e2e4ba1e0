"""Does the answer hang on what is looked at? Each patch hidden by itself, or a region of them together."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import Float
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask, working
from pages.shared.export import Download, download_row
from pages.shared.job import Job
from pages.shared.sentences_and_charts import remark, say
from pages.shared.spreadsheet import as_csv
from pages.vision.choices import HIDDEN_PATCHES, MOST_HIDDEN, Places
from pages.vision.pictures import file_name, model_title
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.number_format import counted, level_text, part_text
from viz.picture_bytes import jpeg_of
from viz.tables import table

if TYPE_CHECKING:
    from models.engine import HowFar
    from models.vision import CutPicture, Hiding, PictureTraceRequest, RegionHidden

TITLE = "Does it hang on what it looks at?"
_HIDING = Job("hiding")
_SIDE = 210
_CONTROLS = 20
_MOST_NAMED = 5


def show(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    """Three maps side by side, how alike they are, and what hiding a region does."""
    from models.vision import HidingRequest

    is_wanted = st.session_state.get("hiding_start", False) or _HIDING.request is not None
    found = _HIDING.answer(HidingRequest(trace), _how_far, is_wanted=is_wanted)
    if found is None and _HIDING.request is None:
        count = cut.rows * cut.columns
        say(
            "Hide each patch in a run of its own, so that nobody may look at it in any layer, and see how far the "
            "picture's vector turns.",
            f"That is {count:,} forwards. Where the class token looks, and what of that counts, are two questions.",
        )
        st.button(f"Hide each of the {count:,} patches", key="hiding_start")
    if found is not None:
        _maps(found, cut)
        _agreement(found)
        _files(found, cut)
    _region(trace, cut, status, maps_above=found is not None)


def leave() -> None:
    """Nobody looks any more."""
    _HIDING.leave(unless_done=True)


def _how_far(step: "HowFar") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} patches hidden"


def toggled(patch: int) -> None:
    """Take a patch into the region, or out of it."""
    now = [each for each in HIDDEN_PATCHES.value if each != patch]
    HIDDEN_PATCHES.choose(Places(now if patch in HIDDEN_PATCHES.value else (*now, patch)[-MOST_HIDDEN:]))


def _maps(found: "Hiding", cut: "CutPicture") -> None:
    shown = [
        ("Looking: attention", found.attention, "part"),
        ("Looking: rollout", found.rollout, "part"),
        ("Mattering: shift when hidden", found.shifts, "of 1 − cosine"),
    ]
    if found.answer is not None:
        shown.append(("Mattering: fall of its answer", found.answer, "logit"))
    maps = [
        PictureMap(title, cells, float(np.abs(cells).max(initial=0.0)), unit, picture=0) for title, cells, unit in shown
    ]
    with st.container(key="hiding_maps"):
        picture_maps(
            PictureMaps(
                f"{file_name()}-hiding",
                tuple(maps),
                len(maps),
                _SIDE,
                f"{model_title()}: lit as far as the class token's last layer looks there (mean of its heads), through "
                "all layers, and as far as the picture's vector turns without the patch. Each map from 0 to its own "
                "largest. Press a patch to take it into a region.",
                (jpeg_of(cut.pixels),),
                legend=("0", "the largest of each map"),
            ),
            key="hiding_view",
            on_cell=lambda _, patch: toggled(patch),
        )


def _agreement(found: "Hiding") -> None:
    """How alike looking and mattering are, beside what maps give that only lie elsewhere."""
    from models.vision.chance import shifted_correlations

    rows = []
    pairs = [("attention, last layer", found.attention, found.with_attention)]
    pairs.append(("rollout", found.rollout, found.with_rollout))
    for name, cells, correlation in pairs:
        low, high = np.quantile(shifted_correlations(cells, found.shifts), [0.025, 0.975])
        rows.append([name, level_text(correlation), f"{level_text(low)} to {level_text(high)}"])
    st.html(table(["rank correlation with the shift", "here", "the same map, moved: 95 %"], rows))
    remark(
        "Neighbouring patches are alike, so that maps agree by chance: beside the number stands what the same map "
        "gives once it is moved round the picture, by every number of rows and columns. Hiding is unnatural, and other "
        "patches make up for it."
    )


def _region(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator, *, maps_above: bool) -> None:
    """Several patches hidden together, beside as many others that were drawn."""
    from models.vision import RegionHiddenRequest, other_regions

    count = cut.rows * cut.columns
    patches = tuple(sorted({each for each in HIDDEN_PATCHES.value if each < count}))
    if not maps_above:
        return
    if not patches:
        remark("No region yet: press patches in a map, and they are hidden together.")
        return
    with working("Hiding the region, and as many other patches…", status):
        here = ask(RegionHiddenRequest(trace, patches), status)
        others = [ask(RegionHiddenRequest(trace, each), status) for each in other_regions(patches, count, _CONTROLS)]
    shifts = np.array([each.shift for each in others])
    beyond = int((shifts >= here.shift).sum())
    say(
        f"Without {counted(len(patches), 'patch').replace('patchs', 'patches')} the picture's vector turns by "
        f"{level_text(here.shift)} (1 − cosine).",
        f"{_CONTROLS} times as many other patches, drawn: {level_text(float(np.median(shifts)))} in the middle, "
        f"{level_text(float(shifts.min()))} to {level_text(float(shifts.max()))}; {beyond} of {_CONTROLS} turn it as "
        "far or further.",
    )
    _classes(here)
    st.button("Empty the region", key="region_empty", on_click=HIDDEN_PATCHES.forget)


def _classes(here: "RegionHidden") -> None:
    if not here.classes:
        return
    pairs = zip(here.classes, here.before.tolist(), here.after.tolist(), strict=True)
    rows = [[name, part_text(before), part_text(after)] for name, before, after in pairs]
    st.html(table(["what it says", "before", "without the region"], rows[:_MOST_NAMED]))


def hiding_rows(found: "Hiding", columns: int) -> list[list[object]]:
    """A row for each patch."""
    maps: list[Float[np.ndarray, "rows columns"]] = [found.attention, found.rollout, found.shifts]
    names = ["attention", "rollout", "shift"]
    if found.answer is not None:
        maps.append(found.answer)
        names.append("fall of the answer")
    numbers = zip(*(each.ravel().tolist() for each in maps), strict=True)
    lines = ([*divmod(patch, columns), *values] for patch, values in enumerate(numbers))
    return [["row", "column", *names], *lines]


def _files(found: "Hiding", cut: "CutPicture") -> None:
    rows = hiding_rows(found, cut.columns)
    download_row([Download("These numbers (CSV)", f"{file_name()}-hiding.csv", lambda: as_csv(rows))], key="hiding_")
