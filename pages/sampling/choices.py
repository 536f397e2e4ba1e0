"""What can be chosen on the sampling page, and the settings that follow from it."""

import urllib.parse
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from models.one_at_a_time import libraries
from pages.sampling.knobs import KNOB_CHOICES, KNOBS
from pages.sampling.presets import PRESETS, Preset
from pages.shared import thread
from pages.shared.link import (
    Choice,
    Names,
    NumberPairs,
    is_whole,
    note,
    number_pairs,
    number_within,
    one_number_of,
    one_of,
    whole_number,
)
from viz.components.written_text import SHADES

if TYPE_CHECKING:
    from models.decoding import BranchPoint, DecodingSettings

LARGEST_SEED = 2**53 - 1
DEFAULT_SEED = 5
MOST_BRANCHES = 24
MOST_TURNS = 24
FEWEST_BEAMS, MOST_BEAMS = 2, 16
LONGEST_BEAM = 64
LONGEST_WORD = 60
PENALTIES = (-2.0, 2.0)
# When a beam search ends: as a link says it, and in words.
EARLY_STOPPING = {
    "no": "once none is better now",
    "yes": "once enough have finished",
    "never": "once none can become better",
}
# Of the texts that stand side by side.
COUNTS = (4, 8, 16)
BATCH_LENGTHS = (20, 40, 64)
MOST_OTHERS = 3
VARIETIES = {"distinct-2": "distinct-2", "self-bleu": "1 − Self-BLEU"}
OTHER_TEMPERATURE = "another temperature"
_MOST_STOP_TEXTS = 4


class Branch(NumberPairs):
    """Steps and tokens that were chosen by hand, written in a link as 4.123-9.500."""

    __slots__ = ()

    @property
    def turns(self) -> "tuple[BranchPoint, ...]":
        """As a request takes them."""
        from models.decoding import BranchPoint

        return tuple(BranchPoint(step, token) for step, token in self)


class Branches(tuple[Branch, ...]):
    """All branches that somebody walked, written in a link with a comma between them."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(str, self))


def _stage_names(text: str) -> Names:
    from_knobs = {knob.stage for knob in KNOBS if knob.stage} | {"bad words", "logit bias"}
    names = Names(dict.fromkeys(each for each in text.split(",") if each))
    if not set(names) <= from_knobs:
        raise ValueError("The link names a stage that is not here; transformers' own stages are shown.")
    return names


_turns = number_pairs("The link's branch is not steps and tokens, as in 4.123-9.500; the text is shown as drawn.")


def _branch(text: str) -> Branch:
    branch = Branch(_turns(text))
    if len(branch) > MOST_TURNS:
        raise ValueError(f"The link's branch turns off more than {MOST_TURNS} times; the text is shown as drawn.")
    steps = [step for step, _ in branch]
    if steps != sorted(set(steps)):
        raise ValueError("The link's branch does not name its steps in their order; the text is shown as drawn.")
    return branch


def _seed(text: str) -> int:
    if not (is_whole(text, 16) and int(text) <= LARGEST_SEED):
        raise ValueError(f"The link's seed is not a whole number from 0 to {LARGEST_SEED:,}; {DEFAULT_SEED} is taken.")
    return int(text)


def _token_id(text: str) -> int:
    if not is_whole(text, 7):
        raise ValueError(text)
    return int(text)


def _against(text: str) -> Names:
    names = Names(dict.fromkeys(each for each in text.split(",") if each))
    if len(names) > MOST_OTHERS or not set(names) <= {each.label for each in PRESETS}:
        raise ValueError("The link names settings to compare with that are not here; others are shown.")
    return names


def _followed(text: str) -> str:
    if len(text) > LONGEST_WORD:
        raise ValueError(f"The link's word has more than {LONGEST_WORD} characters; none is followed.")
    return thread.readable(text)


def _written(text: str) -> str:
    settings_of(text)
    return text


BAD_WORDS: Choice[str] = Choice("bad_words", "", thread.readable)
BIAS: Choice[str] = Choice("bias", "", thread.readable)
STOP: Choice[str] = Choice("stop", "", thread.readable)
SEED: Choice[int] = Choice("seed", DEFAULT_SEED, _seed)
OFF: Choice[Names] = Choice("off", Names(), _stage_names)
ORDER: Choice[Names] = Choice("order", Names(), _stage_names)
STAGE: Choice[str | None] = Choice("stage", None, lambda text: text[:40])
COLOUR: Choice[str] = Choice("colour", SHADES[0], one_of("colour", SHADES))
# The text that was written, by its settings; the branch of it that is shown, and all that were walked; the place in it,
# and the token that is followed there.
WRITTEN: Choice[str | None] = Choice("written", None, _written, thread.OWNERS)
BRANCH: Choice[Branch] = Choice("branch", Branch(), _branch, thread.OWNERS)
BRANCHES: Choice[Branches] = Choice(
    "branches", Branches(), lambda text: Branches(list(map(_branch, text.split(",")))[:MOST_BRANCHES]), thread.OWNERS
)
AT: Choice[int] = Choice("at", 0, whole_number("place in the text"), thread.OWNERS)
PICK: Choice[int | None] = Choice("pick", None, whole_number("token that is followed"), thread.OWNERS)

BEAMS: Choice[int] = Choice("beams", 4, whole_number("number of beams", FEWEST_BEAMS, MOST_BEAMS))
BEAM_TOKENS: Choice[int] = Choice("beam_tokens", 12, whole_number("number of tokens for beam search", 1, LONGEST_BEAM))
_penalty = number_within("The link's length penalty is not between -2 and 2; the default is shown.", *PENALTIES)
BEAM_PENALTY: Choice[float] = Choice("beam_penalty", 1.0, lambda text: round(_penalty(text), 1))
BEAM_STOP: Choice[str] = Choice("beam_stop", "no", one_of("way to stop a beam search", tuple(EARLY_STOPPING)))
# A large search that somebody asked for.
SEARCHED: Choice[str] = Choice(
    "searched",
    "no",
    one_of("state of the search", ("no", "yes")),
    (*thread.OWNERS, BEAMS, BEAM_TOKENS, BEAM_PENALTY, BEAM_STOP),
)

# What was written in a batch, or over a sweep of temperatures, was written with everything that it belongs to; whoever
# opens the link has it written again, and the same.
MANY_TEXTS: Choice[int] = Choice("many_texts", 8, one_number_of("number of texts", COUNTS))
MANY_TOKENS: Choice[int] = Choice("many_tokens", 40, one_number_of("length of the texts", BATCH_LENGTHS))
# None: the first two that are not what is set above.
AGAINST: Choice[Names | None] = Choice("against", None, _against)
_IN_ALL = (*thread.OWNERS, *KNOB_CHOICES.values(), BAD_WORDS, BIAS, STOP, SEED, OFF, ORDER, MANY_TEXTS, MANY_TOKENS)
MANY_WRITTEN: Choice[str] = Choice(
    "many_written", "no", one_of("state of the texts", ("no", "yes")), (*_IN_ALL, AGAINST)
)
SWEPT: Choice[str] = Choice("swept", "no", one_of("state of the sweep", ("no", "yes")), _IN_ALL)
VARIETY: Choice[str] = Choice("variety", "distinct-2", one_of("measure of variety", tuple(VARIETIES)))
SAME_SEED: Choice[str | None] = Choice(
    "luck", None, one_of("settings to compare with", (*(each.label for each in PRESETS), OTHER_TEMPERATURE))
)
_temperature = number_within("The link's other temperature is not between 0 and 2; 1.2 is taken.", 0, 2)
SAME_SEED_TEMPERATURE: Choice[float] = Choice("luck_temperature", 1.2, lambda text: round(_temperature(text), 2))
# What is typed to be followed through the stages.
FOLLOWED: Choice[str] = Choice("word_followed", "", _followed)

PROMPTS: Choice[str] = Choice("prompts", "big -> small\nhot -> cold\nup ->", thread.readable)
FOLLOW: Choice[str] = Choice("follow", " down", thread.readable)

CHOICES: tuple[Choice[Any], ...] = (
    *(
        *KNOB_CHOICES.values(),
        BAD_WORDS,
        BIAS,
        STOP,
        SEED,
        OFF,
        ORDER,
        STAGE,
        COLOUR,
        WRITTEN,
        BRANCH,
        BRANCHES,
        AT,
        PICK,
    ),
    *(BEAMS, BEAM_TOKENS, BEAM_PENALTY, BEAM_STOP, SEARCHED, PROMPTS, FOLLOW, FOLLOWED),
    *(MANY_TEXTS, MANY_TOKENS, AGAINST, MANY_WRITTEN, SWEPT, VARIETY, SAME_SEED, SAME_SEED_TEMPERATURE),
)


def lines_of(text: str) -> tuple[str, ...]:
    """What was typed one to a line; spaces count, "\\n" stands for a line's end."""
    return tuple(dict.fromkeys(line.replace("\\n", "\n") for line in text.split("\n") if line))


def settings_now(bad_words: tuple[tuple[int, ...], ...], bias: tuple[tuple[int, float], ...]) -> "DecodingSettings":
    """The settings of the knobs as they stand, without the stages that are switched off. Raises SettingsError."""
    from models.decoding import DecodingSettings

    off = OFF.value
    values: dict[str, Any] = {
        knob.field: knob.disabled if knob.stage in off and knob.stage else knob.value for knob in KNOBS
    }
    values |= {knob.field: int(values[knob.field]) for knob in KNOBS if not knob.digits}
    return replace(
        DecodingSettings(),
        **values,
        bad_words=() if "bad words" in off else bad_words,
        logit_bias=() if "logit bias" in off else bias,
        stop=lines_of(STOP.value)[:_MOST_STOP_TEXTS],
        order=tuple(ORDER.value),
        seed=SEED.value,
    )


def named_settings(settings: "DecodingSettings") -> str:
    """Settings as a link carries them: those that differ from what they are without being named."""
    from models.decoding import DecodingSettings

    plain = DecodingSettings()
    said: list[tuple[str, str]] = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value == getattr(plain, field.name) and field.name != "temperature":
            continue
        if field.name == "bad_words":
            said += [("bad_word", ".".join(map(str, word))) for word in value]
        elif field.name == "logit_bias":
            said += [("bias", f"{token}:{bias}") for token, bias in value]
        elif isinstance(value, tuple):
            said += [(field.name, each) for each in value]
        else:
            said.append((field.name, str(value)))
    return urllib.parse.urlencode(said, quote_via=urllib.parse.quote)


def settings_of(said: str) -> "DecodingSettings":
    """The settings that `named_settings` wrote. Raises ValueError with a sentence."""
    libraries()
    from models.decoding import DecodingSettings, SettingsError

    wrong = "The link's settings of the written text cannot be read; nothing is written yet."
    plain = DecodingSettings()
    found: dict[str, Any] = {}
    try:
        for name, value in urllib.parse.parse_qsl(said, strict_parsing=bool(said)):
            if name == "bad_word":
                found.setdefault("bad_words", []).append(tuple(map(_token_id, value.split("."))))
            elif name == "bias":
                token, _, bias = value.partition(":")
                found.setdefault("logit_bias", []).append((_token_id(token), float(bias)))
            elif name in ("stop", "order"):
                found.setdefault(name, []).append(value)
            elif name in KNOB_CHOICES:
                found[name] = KNOB_CHOICES[name].parse(value)
            elif name == "seed":
                found[name] = _seed(value)
            else:
                found[""] = name
        return replace(plain, **{name: tuple(each) if isinstance(each, list) else each for name, each in found.items()})
    except (ValueError, TypeError, SettingsError) as error:
        raise ValueError(wrong) from error


def open_preset(preset: Preset) -> None:
    """Set the knobs to what goes together; what the preset does not name does nothing, and no token is followed."""
    for knob in KNOBS:
        if knob.stage:
            value = preset.values.get(knob.field, knob.disabled)
            knob.choice.choose(value if knob.digits else int(value))
    OFF.choose(Names())
    ORDER.choose(Names())
    STAGE.choose(None)
    PICK.choose(None)


def is_preset(preset: Preset) -> bool:
    """Whether the knobs stand as it sets them."""
    return all(knob.value == preset.values.get(knob.field, knob.disabled) for knob in KNOBS if knob.stage) and not (
        OFF.value or ORDER.value or BAD_WORDS.value or BIAS.value
    )


def reset() -> None:
    """All knobs as the page opens with them."""
    for choice in (*KNOB_CHOICES.values(), BAD_WORDS, BIAS, STOP, SEED, OFF, ORDER, STAGE):
        choice.forget()


def picked_token(vocabulary: int) -> int | None:
    """The token that was chosen to be followed; one that the model does not have is said and not taken."""
    token = PICK.value
    if token is not None and token >= vocabulary:
        note(f"The link follows token {token:,}; the vocabulary has {vocabulary:,}, so another one is selected.")
        PICK.choose(None)
    return PICK.value


def turn_off_at(step: int, token: int, branch: Branch) -> None:
    """Go on from `branch` with another token at this step, and keep both in the tree."""
    turned = Branch((*(each for each in branch if each[0] < step), (step, token)))
    known = [each for each in BRANCHES.value if each != turned]
    kept = [*known, *([branch] if branch and branch not in known and branch != turned else []), turned]
    BRANCHES.choose(Branches(kept[-MOST_BRANCHES:]))
    BRANCH.choose(turned)
    AT.choose(step)
    PICK.choose(None)
