"""One step drawn a thousand times, beside what theory expects."""

from typing import TYPE_CHECKING

from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.shared.asking_engine import ask, working
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.theme import palette
from viz.number_format import part_text
from viz.sampling_charts import draws_chart

if TYPE_CHECKING:
    from models.decoding import DecodingSettings, Draws

_DRAWS = 1_000


def draws_tab(
    model: str, text: str, settings: "DecodingSettings", status: DeltaGenerator, written: tuple[int, ...]
) -> None:
    """The step after what is written drawn a thousand times, beside what theory expects of the counts."""
    from models.decoding import DrawsRequest

    with working("Drawing…", status):
        found = ask(DrawsRequest(model, text, written, settings, _DRAWS), status)
    say(*draws_words(found))
    if len(found.tokens) == 1:
        return
    chart(draws_chart(found, palette()), key="draws_chart")
    remark(
        f"{MODELS[model].title}, {found.count:,} draws of one step with seed {settings.seed}; the likeliest "
        f"{len(found.tokens)} tokens of what is drawn from. Bar: how often it came. Coloured tick: expected, its "
        "probability times the draws. Thin line: 95 of 100 such counts lie on it (exact, binomial), so about one "
        "bar in twenty ends off its line."
    )


def draws_words(found: "Draws") -> list[str]:
    """Whether the counts are what theory lets expect."""
    if found.is_greedy:
        return [
            f"Greedy: nothing is drawn. All {found.count:,} times it is “{found.tokens[0].text}”, the likeliest token.",
            "Set a temperature above 0 to have something to draw.",
        ]
    if found.p_value is None:
        return [
            f"These settings leave nothing to chance: “{found.tokens[0].text}” came {found.tokens[0].count:,} of "
            f"{found.count:,} times."
        ]
    said = [
        f"{found.count:,} draws against the probabilities above: {chance_words(found.p_value)}",
        f"χ² = {found.chi_square:.1f} with {found.freedom} degree{'' if found.freedom == 1 else 's'} of freedom, "
        f"p = {found.p_value:.3f}, over the whole vocabulary (Pearson; tokens of which fewer than 5 draws are expected "
        "are taken together).",
    ]
    others = found.others
    if others is not None:
        said.append(
            f"All other tokens together have {part_text(others.probability)}: they came {others.count:,} times, and 95 "
            f"of 100 such counts lie from {others.low:,} to {others.high:,}."
        )
    return said


def chance_words(p_value: float) -> str:
    """A p-value in plain words."""
    if p_value >= 0.01:
        return f"such a difference, or a larger one, comes by chance in {round(100 * p_value)} of 100 such trials."
    if p_value >= 0.001:
        often = f"in {round(1000 * p_value)} of 1,000 such trials"
    else:
        often = "in fewer than 1 of 1,000 such trials"
    return f"such a difference, or a larger one, comes by chance {often}. Take another seed: it should not stay so."
