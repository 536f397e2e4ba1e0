"""The registry of questions: by which name a lesson asks for a truth, and with which arguments."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, get_type_hints

from models.lessons import attention_questions, mlp_questions, vector_questions, writing_questions
from models.lessons.question_base import Question
from models.lessons.readings import QuestionError

LONGEST_ARGUMENT = 2_000
MOST_IN_A_LIST = 12

QUESTIONS: Mapping[str, type[Question]] = MappingProxyType(
    {
        "link weights": attention_questions.LinkWeights,
        "scores": attention_questions.Scores,
        "score sizes": attention_questions.ScoreSizes,
        "first row sees": attention_questions.FirstRowSees,
        "later weight": attention_questions.LaterWeight,
        "resting heads": attention_questions.RestingHeads,
        "without heads": attention_questions.WithoutHeads,
        "without letters": attention_questions.WithoutLetters,
        "next tokens": writing_questions.NextTokens,
        "after prompts": writing_questions.AfterPrompts,
        "survivors": writing_questions.Survivors,
        "chance after stages": writing_questions.ChanceAfterStages,
        "columns computed": writing_questions.ColumnsComputed,
        "cache bytes": writing_questions.CacheBytes,
        "token counts": vector_questions.TokenCounts,
        "text costs": vector_questions.TextCosts,
        "language prices": vector_questions.LanguagePrices,
        "shared sense": vector_questions.SharedSense,
        "sense cosines": vector_questions.SenseCosines,
        "rank on its way": vector_questions.RankOnItsWay,
        "order matters": vector_questions.OrderMatters,
        "neuron counts": mlp_questions.NeuronCounts,
        "neuron shares": mlp_questions.NeuronShares,
    }
)


def question_of(name: str, given: Mapping[str, object], model: str, text: str) -> Question:
    """The question of this name with these arguments; `model` and `text` where they are not among them.

    Raises QuestionError for a name or an argument that is not known, and for one that is too long.
    """
    if name not in QUESTIONS:
        raise QuestionError(f"There is no question of that name; the known ones are {', '.join(QUESTIONS)}.")
    kind = QUESTIONS[name]
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    if not set(given) <= known:
        raise QuestionError(f"The question “{name}” takes {', '.join(sorted(known))}, and nothing else.")
    read: dict[str, Any] = {each: _read(each, hints[each], value) for each, value in given.items()}
    return kind(**{"model": model, "text": text, **read})


def arguments_of(question: Question) -> tuple[str, dict[str, Any]]:
    """The name of a question, and those of its arguments that are not as they are without being named."""
    name = next(name for name, kind in QUESTIONS.items() if kind is type(question))
    plain = {each.name: each.default for each in fields(question)}
    return name, {
        key: getattr(question, key)
        for key, default in plain.items()
        if default is MISSING or getattr(question, key) != default
    }


def _read(name: str, kind: object, value: object) -> object:
    """An argument of the kind that the question takes."""
    if kind is str and isinstance(value, str):
        return _short(value)
    if kind is int and type(value) is int and abs(value) < 1 << 31:
        return value
    is_list = kind == tuple[str, ...] and isinstance(value, list | tuple)
    if is_list and len(value) <= MOST_IN_A_LIST and all(isinstance(each, str) for each in value):
        return tuple(map(_short, value))
    raise QuestionError(
        f"The argument “{name}” of a question is not as it should be: a text, a whole number, or at most "
        f"{MOST_IN_A_LIST} texts."
    )


def _short(text: str) -> str:
    if len(text) > LONGEST_ARGUMENT:
        raise QuestionError(f"A text of a question has at most {LONGEST_ARGUMENT:,} characters.")
    return text
