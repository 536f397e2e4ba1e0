"""The knobs of sampling: what each does, in a sentence with its source, and its place in a link."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pages.shared.link import Choice, number_within


@dataclass(frozen=True)
class Knob:
    """One number that changes the next token.

    field: of `DecodingSettings`, and its name in a link. stage: the stage that it turns, which two may share, "" for
    none. least, most: what
    a link may say; upto: how far the slider goes. step: of the slider. disabled: the value that does nothing.
    default: on this page. digits: behind the point; 0 for whole numbers.
    """

    field: str
    title: str
    stage: str
    help: str
    least: float
    most: float
    upto: float
    step: float
    disabled: float
    default: float
    digits: int

    @property
    def choice(self) -> Choice[Any]:
        """Where it is kept."""
        return KNOB_CHOICES[self.field]

    @property
    def value(self) -> float | int:
        """What it is set to."""
        return self.choice.value

    @property
    def lowest(self) -> float:
        """Where its slider begins: from 0 on, so that its steps are round numbers; a penalty has two sides."""
        return -self.upto if self.least < 0 else 0

    @property
    def is_at_work(self) -> bool:
        """Whether it is set to something that changes the odds."""
        return self.value != self.disabled

    @property
    def said(self) -> str:
        """What it is set to, in words: Top-k 40."""
        return f"{self.title} {_said(self.value)}"

    @property
    def is_turned(self) -> bool:
        """Whether it is set to something else than the page opens with."""
        return self.value != self.default


def _parser(knob: Knob) -> Callable[[str], float | int]:
    sentence = (
        f"{knob.title} in the link is not a number from {_said(knob.least)} to {_said(knob.most)}; "
        f"{_said(knob.default)} is taken."
    )
    return number_within(sentence, knob.least, knob.most, float if knob.digits else int)


def _said(number: float) -> str:
    return f"{number:,.10g}"


# The stage of both penalties by count.
COUNTED = "presence and frequency"
TEMPERATURE = Knob(
    "temperature",
    "Temperature",
    "temperature",
    "Divides every logit before the softmax: below 1 the likely become likelier, above 1 the odds flatten. 0 "
    "is greedy: the likeliest token, always. It adds no ideas. (Ackley, Hinton and Sejnowski 1985; "
    "`TemperatureLogitsWarper`)",
    *(0, 100, 2, 0.05, 1, 1, 2),
)
TOP_K = Knob(
    "top_k",
    "Top-k",
    "top-k",
    "Keeps so many of the likeliest tokens, however sure the model is; 0 keeps all. (Fan et al. 2018, arXiv "
    "1805.04833; `TopKLogitsWarper`)",
    *(0, 1_000_000, 200, 1, 0, 0, 0),
)
TOP_P = Knob(
    "top_p",
    "Top-p (nucleus)",
    "top-p",
    "Keeps the likeliest tokens that together have this probability, and cuts the tail: few where the model is sure, "
    "many where it is not. (Holtzman et al. 2019, arXiv 1904.09751; `TopPLogitsWarper`)",
    *(0.001, 1, 1, 0.01, 1, 0.9, 3),
)
MIN_P = Knob(
    "min_p",
    "Min-p",
    "min-p",
    "Keeps the tokens with at least this part of the likeliest one's probability; it also holds when a high "
    "temperature has flattened the odds. (Nguyen et al. 2024, arXiv 2407.01082; `MinPLogitsWarper`)",
    *(0, 0.999, 0.5, 0.01, 0, 0, 3),
)
# The picture follows these four while they are dragged.
FIRST = (TEMPERATURE, TOP_K, TOP_P, MIN_P)
MORE = (
    Knob(
        "typical_p",
        "Typical p",
        "typical",
        "Keeps the tokens whose surprisal is closest to the entropy, together this probability: it may cut the "
        "likeliest one. (Meister et al. 2022, arXiv 2202.00666; `TypicalLogitsWarper`)",
        *(0.001, 1, 1, 0.01, 1, 1, 3),
    ),
    Knob(
        "top_h",
        "Top-h",
        "top-h",
        "Keeps the likeliest tokens as long as their own entropy is at most this part of the whole entropy. "
        "(Potraghloo et al. 2025, arXiv 2509.02510; `TopHLogitsWarper`)",
        *(0.001, 1, 1, 0.01, 1, 1, 3),
    ),
    Knob(
        "epsilon_cutoff",
        "Epsilon",
        "epsilon",
        "Keeps the tokens with at least this probability. (Hewitt et al. 2022, arXiv 2210.15191; "
        "`EpsilonLogitsWarper`)",
        *(0, 0.999, 0.05, 0.0005, 0, 0, 4),
    ),
    Knob(
        "eta_cutoff",
        "Eta",
        "eta",
        "Like epsilon, but lower where the entropy is high: where much is possible, more may come. (Hewitt et al. "
        "2022, arXiv 2210.15191; `EtaLogitsWarper`)",
        *(0, 0.999, 0.05, 0.0005, 0, 0, 4),
    ),
    Knob(
        "repetition_penalty",
        "Repetition penalty",
        "repetition penalty",
        "Tokens that stand in the text already: their logits are divided by this where positive, and multiplied where "
        "negative. Above 1 they become rarer. (Keskar et al. 2019, arXiv 1909.05858; "
        "`RepetitionPenaltyLogitsProcessor`)",
        *(0.01, 100, 2, 0.05, 1, 1, 2),
    ),
    Knob(
        "presence_penalty",
        "Presence penalty",
        COUNTED,
        "Is taken once from the logit of every token that stands in the text already, the prompt counted; below 0 they "
        "become likelier. (OpenAI's API; transformers has none of its own)",
        *(-100, 100, 2, 0.05, 0, 0, 2),
    ),
    Knob(
        "frequency_penalty",
        "Frequency penalty",
        COUNTED,
        "Is taken from a token's logit as often as the token stands in the text already, the prompt counted. (OpenAI's "
        "API; transformers has none of its own)",
        *(-100, 100, 2, 0.05, 0, 0, 2),
    ),
    Knob(
        "no_repeat_ngram_size",
        "No-repeat n-gram",
        "no-repeat n-gram",
        "No sequence of so many tokens may come twice, the prompt counted; 0 allows all. (Paulus et al. 2017, arXiv "
        "1705.04304; `NoRepeatNGramLogitsProcessor`)",
        *(0, 1_000, 8, 1, 0, 0, 0),
    ),
    Knob(
        "min_new_tokens",
        "At least so many tokens",
        "minimum length",
        "The end token is forbidden until so many have come. (`MinNewTokensLengthLogitsProcessor`)",
        *(0, 512, 64, 1, 0, 0, 0),
    ),
)
LENGTH = Knob(
    "max_new_tokens",
    "At most so many tokens",
    "",
    "How many tokens are written, unless an end token or a stop text comes first. (`max_new_tokens` of transformers)",
    *(1, 512, 200, 1, 32, 32, 0),
)
KNOBS = (*FIRST, *MORE, LENGTH)
KNOB_CHOICES: dict[str, Choice[Any]] = {
    knob.field: Choice(knob.field, knob.default if knob.digits else int(knob.default), _parser(knob)) for knob in KNOBS
}
