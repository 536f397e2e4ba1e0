"""`python -m tests.models.sweep`: sweep all classes, or those named, and write docs/architectures.md.

With names of classes nothing is written, and each of their parts is told.
"""

import sys
from collections import Counter

from tests.models.sweep.classes import swept
from tests.models.sweep.outcome import Outcome
from tests.models.sweep.pool import outcomes
from tests.models.sweep.table import FILE, word_of, written


def _told(outcome: Outcome, *, wholly: bool) -> None:
    print(f"{outcome.name}: {word_of(outcome)}", outcome.reason)
    for part in outcome.parts:
        if wholly or part.verdict in ("wrong", "crash"):
            figure = "" if part.figure is None else f" {part.figure:.1e}"
            print(f"    {part.name}: {part.verdict}{figure} {part.detail}".rstrip())


def _main(names: list[str]) -> None:
    every = swept()
    chosen = [each for each in every.values() if not names or {each.name, each.class_name} & set(names)]
    found = []
    for outcome in outcomes(chosen):
        found.append(outcome)
        if names or outcome.verdict in ("wrong", "crash"):
            _told(outcome, wholly=bool(names))
    if not names:
        FILE.write_text(written(found), encoding="utf-8")
    print(*(f"{word}: {count}" for word, count in sorted(Counter(map(word_of, found)).items())), sep=", ")


if __name__ == "__main__":
    _main(sys.argv[1:])
